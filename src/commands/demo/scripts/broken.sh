# Fails, as its input is not there.
# $1 workspace
set -eu
echo "sorting $1/input/orders-2026-11-31.csv"
sleep 1
sort "$1/input/orders-2026-11-31.csv"
