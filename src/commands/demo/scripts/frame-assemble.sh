# Puts the strips together into one picture, and shows it in letters.
# $1 workspace, $2 run, $3 strips
set -eu
dir="$1/$2/frames"
strip=0
while [ "$strip" -lt "$3" ]; do
  gzip -dc "$dir/strip-$strip.pgm.gz"
  strip=$((strip + 1))
done | awk '$1 == "P2" { width = $2; height += $3; next } { pixel[count++] = $1 }
  END { print "P2", width, height, 255; for (n = 0; n < count; n++) print pixel[n] }' > "$dir/picture.pgm"
awk 'NR == 1 { width = $2; next }
  { pixel = NR - 2; row = int(pixel / width) }
  row % 2 == 0 {
    grey = int($1 / 26); if (grey > 9) grey = 9
    line = line substr("@ .:-=+*#%", grey + 1, 1)
    if (pixel % width == width - 1) { print line; line = "" }
  }' "$dir/picture.pgm"
sha256sum "$dir/picture.pgm"
