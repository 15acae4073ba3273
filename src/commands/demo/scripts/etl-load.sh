# Brings the shards together into a report and a manifest with checksums.
# $1 workspace, $2 run
set -eu
dir="$1/$2/etl"
sort -m "$dir"/summary-*.tsv | awk -F'\t' '
  { orders[$1] += $2; revenue[$1] += $3 }
  END { for (region in orders) printf "%-8s %8d orders %14.2f\n", region, orders[region], revenue[region] }' |
  sort > "$dir/report.txt"
cat "$dir/report.txt"
sleep 2
(cd "$dir" && sha256sum report.txt summary-*.tsv orders-*.csv.gz > manifest.sha256 && sha256sum -c manifest.sha256)
echo "loaded into $dir"
