# A few seconds of work: counts words, and hashes what it has counted.
# $1 seconds
set -eu
left="$1"
sum=start
while [ "$left" -gt 0 ]; do
  sum=$(awk -v seed="$left" 'BEGIN { srand(seed); for (n = 0; n < 20000; n++) print int(rand() * 500) }' |
    sort | uniq -c | sort -rn | head -20 | sha256sum | cut -c1-16)
  echo "pass $left: $sum"
  sleep 1
  left=$((left - 1))
done
