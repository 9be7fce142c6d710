# agent: poll until the order to exit comes, printing what happens
agent() {
	exec emulate ares-agent --server "http://$SERVER_NAME:$PORT" --user-agent "$AGENT_NAME" \
		--user '{{index (made "accounts" "user") (sub .self.index 1)}}' --work /srv/papers \
		--interval "${INTERVAL}s" --idle-after "${IDLE_AFTER}s" --idle-interval "${IDLE_INTERVAL}s" \
		--failures "$GIVE_UP" --keep-alive="$KEEP_ALIVE"{{if eq .failure "agent-idle"}} --idle-phase{{end}}
}

# agent_until EVENT: start an agent in the background, and wait until it prints EVENT
agent_until() {
	mkfifo /tmp/events
	exec 3<>/tmp/events
	agent >&3 &
	grep -m 1 -qx "$1" <&3
}
