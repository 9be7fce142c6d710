# A bot looks at every host of its list. What it finds and how often it guesses, each reports of itself; the first tells.
emulate mirai-bot --server "$SERVER_ADDRESS:23" --reports "$SERVER_ADDRESS:48101" --name "$HOST" \
	--targets /root/targets --logins /root/logins --pause "${PAUSE}s" >/root/said
cat /root/said
if [ "$INDEX" = 1 ]; then
	outcome open="$(grep -c '^open ' /root/said || true)"
	outcome closed="$(grep -c '^closed ' /root/said || true)"
	outcome found="$(grep -c '^login ' /root/said || true)"
	outcome guesses="$(sed -n 's/^guesses //p' /root/said)"
fi
signal "over-$INDEX"
