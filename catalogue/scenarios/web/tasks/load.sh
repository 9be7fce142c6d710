# Have many clients at once fetch a site's page and objects.
. /usr/local/lib/client.sh
phase load
case $IMPLEMENTATION in
siege)
	sed "s,^,$site," /etc/web/objects >/tmp/urls
	HOME=/root siege --benchmark --concurrent="$CLIENTS" --reps="$REPEAT" --file=/tmp/urls --no-parser --json-output 2>/tmp/siege >/tmp/summary
	cat /tmp/siege /tmp/summary
	outcome done="$(sed -n 's/.*"successful_transactions":[[:space:]]*\([0-9]*\).*/\1/p' /tmp/summary)"
	outcome failed="$(sed -n 's/.*"failed_transactions":[[:space:]]*\([0-9]*\).*/\1/p' /tmp/summary)"
	;;
h2load)
	h2load $([ "$HTTP" = 2 ] || echo --h1) --requests=$((CLIENTS * REPEAT)) --clients="$CLIENTS" $(sed "s,^,$site," /etc/web/objects) </dev/null >/tmp/summary
	cat /tmp/summary
	outcome done="$(sed -n 's/^requests:.* \([0-9]*\) succeeded.*/\1/p' /tmp/summary)"
	outcome failed="$(sed -n 's/^requests:.* \([0-9]*\) failed.*/\1/p' /tmp/summary)"
	;;
esac
