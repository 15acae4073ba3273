# Makes a rendered strip half as large and grey, and packs it.
# $1 workspace, $2 run
set -eu
dir="$1/$2/frames"
strip="${AWS_BATCH_JOB_ARRAY_INDEX:-0}"
awk 'NR == 1 { width = $2; print "P2", width / 2, $3 / 2, 255; next }
  { pixel = NR - 2; row = int(pixel / width); column = pixel % width }
  row % 2 == 0 && column % 2 == 0 { print int(0.3 * $1 + 0.59 * $2 + 0.11 * $3) }' \
  "$dir/strip-$strip.ppm" > "$dir/strip-$strip.pgm"
sleep 2
gzip -cf "$dir/strip-$strip.pgm" > "$dir/strip-$strip.pgm.gz"
echo "strip $strip: $(wc -c < "$dir/strip-$strip.ppm" | tr -d ' ') bytes -> $(wc -c < "$dir/strip-$strip.pgm.gz" | tr -d ' ')"
