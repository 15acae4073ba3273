#!/usr/bin/env bash
# The test command: sets up what the tests need on a Debian machine, says plainly which part it could not set up, and
# runs formatting, clippy, all tests and the docs. With CI set, a part that could not be set up is a failure, and what
# reads bytes of others is tried with changed ones for a minute each.
#
#   tests/run.sh            everything
#   tests/run.sh NAME...    only the tests whose names contain one of the words
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
say() { printf '\n== %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo; then sudo -n "$@"; else return 1; fi; }
debian() { have apt-get && { as_root apt-get install -y --no-install-recommends "$@" || { as_root apt-get update && as_root apt-get install -y --no-install-recommends "$@"; }; } >/dev/null 2>&1; }

say "what the tests need"
have cc || debian gcc libc6-dev || missing+=("a C compiler (SQLite and the TLS library are built from C)")

# The AWS backend is tested against a moto server on loopback, and the engine's own API by boto3 and the `aws` command
# line: all in a Python environment of its own. The versions are named, so that an operation which AWS adds is met when
# they are raised, and not on some morning.
awscli=1.46.3 boto3=1.44.8
tools="${BATCHDECK_TEST_TOOLS:-$PWD/target/test-tools}"
if [ -z "${BATCHDECK_TEST_MOTO:-}" ]; then
  if ! "$tools/moto/bin/pip" freeze 2>/dev/null | grep -qFx "awscli==$awscli"; then
    have python3 || debian python3 || true
    if ! { python3 -m venv "$tools/moto" || { debian python3-venv && python3 -m venv "$tools/moto"; }; } >/dev/null 2>&1 ||
      ! "$tools/moto/bin/pip" install --quiet --disable-pip-version-check \
        'moto[server]==5.2.1' "awscli==$awscli" "boto3==$boto3" >/dev/null 2>&1; then
      rm -rf "$tools/moto"
    fi
  fi
  if [ -x "$tools/moto/bin/moto_server" ]; then
    export BATCHDECK_TEST_MOTO="$tools/moto/bin/moto_server"
    export BATCHDECK_TEST_PYTHON="$tools/moto/bin/python3"
  elif have moto_server; then
    BATCHDECK_TEST_MOTO="$(command -v moto_server)"
    export BATCHDECK_TEST_MOTO
  else
    missing+=("moto (PyPI moto[server]): the AWS backend is not tested")
  fi
fi

if [ -z "${BATCHDECK_TEST_PYTHON:-}" ] && ! { have aws && python3 -c 'import boto3' >/dev/null 2>&1; }; then
  missing+=("boto3 and awscli (PyPI): the engine's API is not walked with AWS's own tools")
fi

have tmux || debian tmux || missing+=("tmux: a copy through it is not tested")

# shellcheck source=podman.sh
. tests/podman.sh
start_podman || missing+=("podman with runc: containers are not tested")
trap stop_podman EXIT

for part in "${missing[@]}"; do echo "NOT SET UP: $part"; done
if [ "${#missing[@]}" -gt 0 ] && [ -n "${CI:-}" ]; then
  echo "CI is set: a part that could not be set up is a failure."
  exit 1
fi

say "formatting"
cargo fmt --check
say "clippy"
cargo clippy --all-targets --locked -- -D warnings
say "tests"
if have cargo-nextest; then cargo nextest run --locked "$@"; else cargo test --locked "$@"; fi
if [ "$#" = 0 ] && [ -n "${CI:-}" ]; then
  say "other bytes, a minute for each that reads some"
  tests/long.sh mutations 1
fi
if [ "$#" = 0 ]; then
  say "the benchmark, small"
  cargo test --quiet --locked --bench bench -- --quick
fi
say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet
if cargo deny --version >/dev/null 2>&1; then
  say "licences and sources"
  # What is known to be harmful is looked up on the net: `cargo deny check advisories` where there is one.
  cargo deny check licenses bans sources
fi
say "all done"
for part in "${missing[@]}"; do echo "NOT TESTED: $part"; done
