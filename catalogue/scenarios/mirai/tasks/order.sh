# The operator logs in, waits for the bots, and orders.
[ "$FAILURE" != none ] || await start
right=$PASSWORD
if [ "$FAILURE" = denied ]; then
	right=not$PASSWORD
	# What ends the bots must not come before they are there.
	for i in $(seq "$BOTS"); do
		await "online-$i"
	done
fi
size=${SIZE:-0}
emulate mirai-operator --server "$SERVER_ADDRESS:23" --user "$USER" --password "$right" --bots "$BOTS" --refresh "${REFRESH}s" \
	--order "$TASK ${SITE_ADDRESS:-$SERVER_ADDRESS} $FLOOD_TIME dport=$TARGET_PORT size=$size" >/root/said
cat /root/said
outcome login="$(sed -n 's/^login //p' /root/said)"
if [ "$FAILURE" = none ]; then
	outcome bots="$(sed -n 's/^bots //p' /root/said)"
else
	signal denied
fi
