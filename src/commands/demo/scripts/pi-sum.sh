# Adds up all samples of the simulation.
# $1 workspace, $2 run
set -eu
cat "$1/$2"/pi/sample-* | awk '
  { hits += $1; throws += $2 }
  END {
    pi = 4 * hits / throws
    printf "%d throws in %d samples\npi is about %.6f, off by %.6f\n", throws, NR, pi, pi - 3.141593
  }'
