# The operator waits for the agent, and gives each order when the one before has been answered.
await marked
emulate ares-operator --server "http://$SERVER_ADDRESS:$PORT" --user-agent "$BROWSER" --password "$PASSWORD" \
	--orders /root/plan --answers /root/answers --agents 1 --refresh "${REFRESH}s" --looks 10000 >/root/log
cat /root/log
outcome login="$(sed -n 's/^login //p' /root/log)"
outcome listed="$(sed -n 's/^listed //p' /root/log)"
outcome answered="$(grep -c '^answered ' /root/log || true)"
