# Runs for minutes and says a lot, in colours that a log must not pass on to a terminal.
# $1 minutes
set -eu
beats=$(($1 * 120))
beat=1
while [ "$beat" -le "$beats" ]; do
  awk -v beat="$beat" -v beats="$beats" 'BEGIN {
    srand(beat)
    rows = 400 + int(rand() * 200)
    printf "\033[32mINFO\033[0m  chunk %d of %d, %d rows, %.1f MiB/s\n", beat, beats, rows, 30 + rand() * 20
    if (beat % 17 == 0) printf "\033[33mWARN\033[0m  slow read from shard-%02d, %d ms\n", beat % 8, 900 + int(rand() * 900)
    if (beat % 61 == 0) printf "\033[1;31mERROR\033[0m shard-%02d did not answer, trying again\n", beat % 8
  }'
  sleep 0.5
  beat=$((beat + 1))
done
