# What the server's log has of the search. A name that the page with parameters does not know is
# answered with the page of 100 bytes. A request fills its line when its answer is over, which may be after the tool has
# read it: wait for the lines that must come.
await searched
[ "$FAILURE" != refused ] || exit 0
case $TASK in
parameters)
	served='"GET /search[^"]*" 200 ([^1]|1[^0]|10[^0]|100[0-9])'
	missed='"GET /search[^"]*" 200 100 '
	;;
*)
	served='" 200 '
	missed='" 404 '
	;;
esac
[ "$SERVED" = 0 ] || log web "$served" "$SERVED" >/dev/null
[ "$MISSED" = 0 ] || log web "$missed" "$MISSED" >/dev/null
outcome served="$(log web | grep -Ec "$served" || true)"
outcome missed="$(log web | grep -Ec "$missed" || true)"
