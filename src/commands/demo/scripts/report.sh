# Says what the demo has made so far.
# $1 workspace
set -eu
mkdir -p "$1"
echo "report of $(date '+%Y-%m-%d %H:%M:%S')"
find "$1" -type f | wc -l | awk '{ printf "%d files\n", $1 }'
du -sk "$1" | awk '{ printf "%d KiB\n", $1 }'
