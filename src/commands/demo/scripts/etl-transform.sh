# Cleans one shard and sums it up by region. It waits for the same shard of the extract alone (N_TO_N).
# $1 workspace, $2 run
set -eu
dir="$1/$2/etl"
shard="${AWS_BATCH_JOB_ARRAY_INDEX:-0}"
echo "shard $shard: reading"
gzip -dc "$dir/orders-$shard.csv.gz" > "$dir/clean-$shard.csv.part"
sleep 1
awk -F, '$3 ~ /^[0-9]+$/' "$dir/clean-$shard.csv.part" > "$dir/clean-$shard.csv"
read=$(wc -l < "$dir/clean-$shard.csv.part" | tr -d ' ')
kept=$(wc -l < "$dir/clean-$shard.csv" | tr -d ' ')
rm "$dir/clean-$shard.csv.part"
echo "shard $shard: kept $kept of $read orders"
[ "$kept" -lt "$read" ] && echo "WARN shard $shard: $((read - kept)) orders without a quantity" >&2
sleep 1
awk -F, '{ orders[$2]++; revenue[$2] += $3 * $4 }
  END { for (region in orders) printf "%s\t%d\t%.2f\n", region, orders[region], revenue[region] }' \
  "$dir/clean-$shard.csv" | sort > "$dir/summary-$shard.tsv"
sleep 2
echo "shard $shard: done"
