# Ask a server that does not answer, until the client gives up.
. /usr/local/lib/lab/tftp.sh
await hung
phase "$TASK"
for name in $(cat /root/names); do "$TASK" "$name"; done
report
if [ "$TASK" = get ]; then same; else signal done; fi
