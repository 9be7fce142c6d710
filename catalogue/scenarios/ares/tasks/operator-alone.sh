# The operator finds no server.
emulate ares-operator --server "http://$SERVER_NAME:$PORT" --user-agent "$BROWSER" --password "$PASSWORD" \
	--orders /dev/null --answers /root/answers --agents "$AGENT_COUNT" >/root/log || true
cat /root/log
outcome login="$(sed -n 's/^login //p' /root/log)"
signal operator-done
