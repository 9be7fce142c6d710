# A bot that holds its connection for so many pings.
emulate mirai-bot --server "$SERVER_ADDRESS:23" --reports "$SERVER_ADDRESS:48101" --name "$HOST" \
	--ping "${PING}s" --pings "$PINGS" --tries "$TRIES" --again "${AGAIN}s" >/root/said
cat /root/said
if [ "$INDEX" = 1 ]; then
	outcome online="$(grep -c '^online$' /root/said || true)"
	outcome pings="$(grep -c '^ping$' /root/said || true)"
fi
[ "$FAILURE" = none ] || grep -qx 'gave up' /root/said
signal "over-$INDEX"
