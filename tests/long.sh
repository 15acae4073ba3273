#!/usr/bin/env bash
# What the tests do for a moment, for as long as it is told: nothing here ends by itself before.
#
#   tests/long.sh simulation 60   the engine's mind with agents and a clock that are simulated: other seeds, an hour
#   tests/long.sh mutations 10    whatever reads what others wrote: journal, wire forms, HTTP, signatures, config, keymap,
#                                 themes, commands, expressions of schedules, patterns: bytes changed, ten minutes each
#   tests/long.sh faults 10       the real program: engine, agents and consoles killed and stopped, ten minutes, 5,000 jobs
#   tests/long.sh log             a log of ten million lines: opened, walked, searched, charted and followed, with what is held
#   tests/long.sh floods          a job that prints a gigabyte without an end of line
#   tests/long.sh consoles        200 consoles and watchers while jobs run and engines are killed, a minute
#   tests/long.sh year            10,000 hosts and 10,000,000 jobs in a year, simulated
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,/^set/{/^#/p}' "$0" | cut -c3-; exit 2; }
[ "$#" -ge 1 ] || usage
part="$1" minutes="${2:-10}"
[[ "$minutes" =~ ^[0-9]+$ ]] || usage

case "$part" in
simulation)
  BATCHDECK_SIMULATE_MINUTES="$minutes" cargo test --release --locked --lib -- --nocapture stories_of_other_seeds
  ;;
mutations)
  # More at once than there are processors: some wait for a disk.
  export BATCHDECK_FUZZ_SECONDS=$((60 * minutes))
  threads=$((3 * $(nproc)))
  # The engine of the last one by itself: it is to answer in time.
  for part in --lib '--test it'; do
    # shellcheck disable=SC2086
    if command -v cargo-nextest >/dev/null 2>&1; then
      cargo nextest run --locked $part --test-threads "$threads" -- almost_right any_text
    else
      cargo test --locked $part -- --test-threads "$threads" almost_right any_text
    fi
  done
  ;;
faults) exec tests/bench/run.sh faults --seconds $((60 * minutes)) --seed "${SEED:-1}" ;;
consoles) exec tests/bench/run.sh faults --seconds 60 --jobs 500 --consoles 200 ;;
floods) BATCHDECK_TEST_FLOOD_MIB=1024 cargo test --release --locked --test it -- without_end_of_line ;;
log) exec tests/bench/run.sh log ;;
year) exec tests/bench/run.sh year ;;
*) usage ;;
esac
