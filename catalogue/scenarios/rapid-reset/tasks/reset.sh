# Open streams and reset them.
# There is no visitor where nothing is served.
[ "$FAILURE" != none ] || await start
phase resets
set -- --server "$SERVER_NAME:$PORT" --authority "www.$DOMAIN.test:$PORT" --streams "$STREAMS" --rate "$RATE" --connections "$CONNECTIONS"
if [ "$PROTOCOL" = https ]; then
	set -- --server "www.$DOMAIN.test:$PORT" --authority "www.$DOMAIN.test:$PORT" --streams "$STREAMS" --rate "$RATE" --connections "$CONNECTIONS" --ca /etc/ssl/lab.pem
fi
reason=none
if ! emulate rapid-reset "$@" >/root/said 2>/root/complaint; then
	case $(cat /root/complaint) in
	*refused*) reason=refused ;;
	*"does not speak HTTP/2"* | *ALPN* | *"no application protocol"*) reason=protocol ;;
	*"has ended"*) reason=ended ;;
	*) reason=other ;;
	esac
fi
cat /root/said /root/complaint
# streams N resets N answers N connections N closed N
read -r _ streams _ resets _ answers _ connections _ closed </root/said
outcome streams="$streams"
outcome resets="$resets"
outcome answers="$answers"
outcome connections="$connections"
outcome reason="$reason"
signal over
