#!/usr/bin/env bash
# The benchmark, in the release profile: the engine beside what the machine can do. README.md here says how to read it.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec cargo bench --quiet --locked --bench bench -- "$@"
