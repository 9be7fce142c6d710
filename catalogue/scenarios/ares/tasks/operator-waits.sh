# The operator gives one order, and waits for an answer that does not come.
for i in $(seq "$AGENT_COUNT"); do
	await "agent-$i"
done
first=$(ls /root/expected | head -n 1)
sed -n 's/^\$ /0 /p' "/root/expected/$first" | head -n 1 >/root/plan
emulate ares-operator --server "http://$SERVER_NAME:$PORT" --user-agent "$BROWSER" --password "$PASSWORD" \
	--orders /root/plan --answers /root/answers --agents "$AGENT_COUNT" \
	--refresh "${REFRESH}s" --looks "$LOOKS" --keep-alive="$KEEP_ALIVE" >/root/log
cat /root/log
outcome login="$(sed -n 's/^login //p' /root/log)"
outcome listed="$(sed -n 's/^listed //p' /root/log)"
outcome unanswered="$(grep -c '^unanswered ' /root/log || true)"
outcome answers="$(grep -c '^answered ' /root/log || true)"
signal operator-done
