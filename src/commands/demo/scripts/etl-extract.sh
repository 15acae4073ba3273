# Writes one shard of orders, batch by batch, as from a source that answers slowly.
# $1 workspace, $2 run
set -eu
dir="$1/$2/etl"
shard="${AWS_BATCH_JOB_ARRAY_INDEX:-0}"
out="$dir/orders-$shard.csv"
mkdir -p "$dir"
: > "$out.part"
batch=1
while [ "$batch" -le 8 ]; do
  awk -v seed="$((shard * 1000 + batch))" 'BEGIN {
    srand(seed)
    split("north south east west", region, " ")
    for (n = 1; n <= 2500; n++) {
      quantity = 1 + int(rand() * 9)
      if (rand() < 0.01) quantity = "unknown"
      printf "%d-%d,%s,%s,%.2f\n", seed, n, region[1 + int(rand() * 4)], quantity, 1 + rand() * 99
    }
  }' >> "$out.part"
  echo "shard $shard: batch $batch of 8, $(wc -l < "$out.part" | tr -d ' ') orders"
  sleep 1
  batch=$((batch + 1))
done
gzip -c "$out.part" > "$out.gz"
rm "$out.part"
echo "shard $shard: written, $(wc -c < "$out.gz" | tr -d ' ') bytes"
