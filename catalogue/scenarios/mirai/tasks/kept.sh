# What the server has seen of its bots.
for i in $(seq "$BOT_COUNT"); do
	await "over-$i"
done
[ "$FAILURE" != server-gone ] || exit 0
log mirai >/root/said
outcome bots="$(grep '^bot ' /root/said | sort -u | wc -l)"
outcome server_pings="$(grep -c '^ping ' /root/said || true)"
