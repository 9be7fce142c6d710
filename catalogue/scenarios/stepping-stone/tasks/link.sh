# Tell which connection has come to this host; with chaff, send it on to the next.
number=$INDEX
[ "$number" != 0 ] || number=$((STONES + 1))
chain=1
if [ "$TASK" = independent ]; then
	chain=$number
	await "up-$((number - 1))"
else
	await up-0
fi
if [ "$FAILURE" != none ] && [ "$INDEX" = 0 ]; then
	[ ! -e /tmp/link ] # nobody has come to the server
	exit
fi
read -r client port server server_port </tmp/link
outcome "link_$number=chain $chain $client:$port $server:$server_port"
if [ "$TASK" = chaffed ] && [ "$FAILURE" = none ] && [ "$INDEX" != 0 ]; then
	. /usr/local/lib/lab/session.sh
	chaff
	signal "calm-$INDEX"
fi
