# Never ends by itself; its timeout ends it.
second=0
while :; do
  echo "waiting for a lock that nobody releases, ${second} s"
  sleep 5
  second=$((second + 5))
done
