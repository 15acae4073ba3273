# Renders one strip of the Mandelbrot set as a PPM picture.
# $1 workspace, $2 run
set -eu
dir="$1/$2/frames"
strip="${AWS_BATCH_JOB_ARRAY_INDEX:-0}"
strips="${AWS_BATCH_JOB_ARRAY_SIZE:-8}"
width=192
rows=16
mkdir -p "$dir"
echo "P3 $width $rows 255" > "$dir/strip-$strip.ppm.part"
row=0
while [ "$row" -lt "$rows" ]; do
  awk -v width="$width" -v first="$((strip * rows + row))" -v height="$((strips * rows))" 'BEGIN {
    for (r = first; r < first + 4; r++) {
      ci = -1.2 + 2.4 * r / height
      for (c = 0; c < width; c++) {
        cr = -2.3 + 3.4 * c / width
        x = 0; y = 0
        for (n = 0; n < 120 && x * x + y * y < 4; n++) { t = x * x - y * y + cr; y = 2 * x * y + ci; x = t }
        if (n == 120) print "8 8 24"
        else print int(255 * n / 120), (n * 7) % 256, 255 - int(200 * n / 120)
      }
    }
  }' >> "$dir/strip-$strip.ppm.part"
  row=$((row + 4))
  echo "strip $strip: $row of $rows rows"
  sleep 1
done
mv "$dir/strip-$strip.ppm.part" "$dir/strip-$strip.ppm"
