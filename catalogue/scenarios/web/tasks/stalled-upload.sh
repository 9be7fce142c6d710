# Send half of a file, then nothing more until the server has given up on the connection.
. /usr/local/lib/client.sh
mkfifo /tmp/pipe
phase transfer
curl --request POST -H "Content-Length: $SIZE" -H 'Transfer-Encoding:' -H 'Expect:' --upload-file - \
	-o /tmp/got -w '%{http_code} %{http_version} %{size_upload}\n' "$site/app/post" </tmp/pipe >/tmp/summary &
client=$!
exec 3>/tmp/pipe
head -c $((SIZE / 2)) /srv/file >&3
phase stall
await dropped
phase drop
exec 3>&-
error=0
wait $client || error=$?
read -r status http sent </tmp/summary
outcome status="$status"
outcome sent="$sent"
