# Send SYN segments, each from another port.
await ready
# There is no visitor where there is no server.
[ "$FAILURE" = refused ] || await start
phase flood
set -- -q -S -p "$PORT" -c "$SEGMENTS" -i "u$INTERVAL"
[ "$SOURCE" = own ] || set -- "$@" -a "$SILENT_ADDRESS"
# Its status tells whether there were answers.
status=0
hping3 "$@" "$SERVER_ADDRESS" >/root/said 2>&1 || status=$?
cat /root/said
echo "status $status"
outcome sent="$(sed -n 's/^\([0-9]*\) packets transmitted.*/\1/p' /root/said)"
signal over
