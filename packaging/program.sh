#!/usr/bin/env bash
# The program as it is given to others: target/package/batchdeck. It is built in the release profile, and what verbs run
# through from their start to their end is laid side by side in it: strewn over 40 MB, as it is otherwise, most of the
# functions cost a page fault each, and those are a sixth of what a verb takes. Which functions those are is watched with
# valgrind; without valgrind, or with a linker that knows no order, the program is as cargo builds it, and that is said.
# The last line that is printed is the program's path.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
built="$target/release/batchdeck" package="$target/package"

cargo build --release --locked >&2
install -D -m 755 "$built" "$package/batchdeck"

home=$(mktemp -d)
on() { HOME="$home" "${@:2}" "$package/batchdeck" --data-dir "$home/data" $1 >/dev/null; }
trap 'on "engine stop" 2>/dev/null || true; rm -rf "$home"' EXIT

watch_verbs() {
  on "init"
  job=$(HOME="$home" "$package/batchdeck" --data-dir "$home/data" submit -- true)
  local number=0 verb
  for verb in "submit --queue default -- true" "jobs" "job $job" "queues" "logs $job" "cancel $job --reason none" "--version"; do
    number=$((number + 1))
    on "$verb" valgrind --quiet --tool=callgrind --demangle=no --compress-strings=no --compress-pos=no \
      --callgrind-out-file="$home/$number.calls" || true
  done
  # Each function once, in the order in which it is first met.
  cat "$home"/*.calls | sed -n "s/^c\{0,1\}fn=\([^']*\).*/\1/p" | awk '!met[$0]++' >"$package/order"
}

if ! command -v valgrind >/dev/null; then
  echo "not laid out: there is no valgrind" >&2
elif ! watch_verbs || ! [ -s "$package/order" ]; then
  echo "not laid out: valgrind could not watch the program" >&2
elif ! cargo rustc --release --locked --bin batchdeck -- -C "link-arg=-Wl,--symbol-ordering-file=$(realpath "$package/order")" \
  -C link-arg=-Wl,--no-warn-symbol-ordering >&2; then
  echo "not laid out: the linker takes no order of functions (lld does)" >&2
else
  install -m 755 "$built" "$package/batchdeck"
fi
echo "$package/batchdeck"
