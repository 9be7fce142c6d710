# Send half a request, then nothing more; the end is the server's.
. /usr/local/lib/client.sh
mkfifo /tmp/pipe
phase request
curl --upload-file . "telnet://www.$DOMAIN.test:$PORT" -o /tmp/got </tmp/pipe &
client=$!
exec 3>/tmp/pipe
printf 'GET %s HTTP/1.1\r\nHost: www.%s.test\r\nUser-Ag' "$path" "$DOMAIN" >&3
phase stall
error=0
wait $client || error=$?
exec 3>&-
outcome client="$error"
outcome answer="$(head -n 1 /tmp/got 2>/dev/null | tr -d '\r')"
