# Dies by a signal, as a process that the kernel kills for its memory does.
echo "building the index in memory"
sleep 2
kill -KILL $$
