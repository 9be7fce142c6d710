# Kill the client when it has passed on half of what it fetches.
. /usr/local/lib/client.sh
[ "$TASK" != streaming ] || path=/app/stream
mkfifo /tmp/pipe
phase transfer
case $IMPLEMENTATION in
curl) curl -o /tmp/pipe "$site$path" & ;;
wget) wget -O /tmp/pipe "$site$path" & ;;
esac
client=$!
exec 3</tmp/pipe
outcome received="$(head -c $((SIZE / 2)) <&3 | wc -c)"
phase kill
kill -KILL $client
error=0
wait $client || error=$?
outcome client="$error"
