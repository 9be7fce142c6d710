# What the server's log has of the search. A name that the page with parameters does not know is
# answered with the page of 100 bytes.
await searched
case $TASK in
parameters)
	outcome served="$(log web | grep '"GET /search' | grep -vc '" 200 100 ' || true)"
	outcome missed="$(log web | grep '"GET /search' | grep -c '" 200 100 ' || true)"
	;;
*)
	outcome served="$(log web | grep -c '" 200 ' || true)"
	outcome missed="$(log web | grep -c '" 404 ' || true)"
	;;
esac
