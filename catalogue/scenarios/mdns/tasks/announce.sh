# Publish a service until it is established and the client has seen it.
await watching
phase announce
mkfifo publisher
avahi-publish-service "$(cat /root/service)" "$SERVICE" "$PORT" "$TEXT" >publisher 2>&1 &
publisher=$!
while IFS= read -r line; do
	echo "$line"
	case $line in Established*) break ;; esac
done <publisher
await came
phase goodbye
kill $publisher
wait $publisher || true
await went
