#!/usr/bin/env bash
# The benchmark of the program as it is packaged: the engine beside what the machine can do. It prints a table, leaves the figures
# in target/bench.json, and fails where a promise is not kept. README.md here says how to read it.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(packaging/program.sh | tail -1)
exec cargo bench --quiet --locked --bench bench -- --program "$(realpath "$program")" --json "$PWD/target/bench.json" "$@"
