# Take a quarter of a file, then nothing more until the server has given up on the connection.
. /usr/local/lib/client.sh
mkfifo /tmp/pipe
phase transfer
case $IMPLEMENTATION in
curl) curl -o /tmp/pipe "$site$path" & ;;
wget) wget -o /tmp/wget -O /tmp/pipe "$site$path" & ;;
esac
client=$!
exec 3</tmp/pipe
head -c $((SIZE / 4)) <&3 >/tmp/got
phase stall
await dropped
phase drop
cat <&3 >>/tmp/got
error=0
wait $client || error=$?
outcome reason="$(reason)"
outcome whole="$([ "$(wc -c </tmp/got)" -lt "$SIZE" ] && echo no || echo yes)"
