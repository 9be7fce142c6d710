# How many requests for ranges the server's log has. A request fills its line when its answer is over.
await over
[ "$FAILURE" != refused ] || exit 0
log web '"HEAD / ' "$CONNECTIONS" >/dev/null
outcome asked="$(log web | grep -c '"HEAD / ' || true)"
