# Throws darts at a square and counts those inside of the circle.
# $1 workspace, $2 run
set -eu
dir="$1/$2/pi"
index="${AWS_BATCH_JOB_ARRAY_INDEX:-0}"
mkdir -p "$dir"
hits=0
throws=0
round=1
while [ "$round" -le 10 ]; do
  more=$(awk -v seed="$((index * 100 + round))" 'BEGIN {
    srand(seed)
    for (n = 0; n < 200000; n++) { x = rand(); y = rand(); if (x * x + y * y <= 1) hits++ }
    print hits
  }')
  hits=$((hits + more))
  throws=$((throws + 200000))
  awk -v index_="$index" -v round="$round" -v hits="$hits" -v throws="$throws" 'BEGIN {
    printf "sample %d: round %d of 10, pi is about %.5f\n", index_, round, 4 * hits / throws
  }'
  sleep 1
  round=$((round + 1))
done
echo "$hits $throws" > "$dir/sample-$index"
