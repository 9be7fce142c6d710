# What the server's log has of the search. A name that the page with parameters does not know is
# answered with the page of 100 bytes.
await searched
log=/.detgen/logs/web.log
case $TASK in
parameters)
	outcome served="$(grep '"GET /search' $log | grep -vc '" 200 100 ' || true)"
	outcome missed="$(grep '"GET /search' $log | grep -c '" 200 100 ' || true)"
	;;
*)
	outcome served="$(grep -c '" 200 ' $log || true)"
	outcome missed="$(grep -c '" 404 ' $log || true)"
	;;
esac
