# Hold connections.
site=$PROTOCOL://www.$DOMAIN.test:$PORT
# There is no visitor where there is no server.
[ "$FAILURE" = refused ] || await start
phase hold
case $TASK in
header) set -- -H ;;
body) set -- -B ;;
read) set -- -X -w 16 -y 64 -z 8 -n "$INTERVAL" -k 3 ;;
range) set -- -R -b "$((RANGES + 5))" ;;
esac
status=0
slowhttptest "$@" -c "$CONNECTIONS" -r "$SPEED" -i "$INTERVAL" -x "$FOLLOW" -l "$LENGTH" -p 1 -u "$site/" >/root/said 2>&1 || status=$?
sed 's/\x1b\[[0-9;]*[A-Za-z]//g' /root/said | tr -d '\r' >/root/plain
cat /root/plain
echo "status $status"
# The most connections that it had at once, and the server's state at the end as its probe saw it.
outcome connected="$(sed -n 's/^connected: *\([0-9]*\).*/\1/p' /root/plain | sort -n | tail -n 1)"
outcome available="$(sed -n 's/^service available: *\([A-Z]*\).*/\1/p' /root/plain | tail -n 1)"
signal over
