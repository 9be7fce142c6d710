# Flood, for so many requests or so long.
site=$PROTOCOL://www.$DOMAIN.test:$PORT
# There is no visitor where there is no server.
[ "$FAILURE" = refused ] || await start
phase flood
status=0
case $IMPLEMENTATION in
wrk)
	wrk --threads 1 --connections "$CONNECTIONS" --duration "${LENGTH}s" --timeout 30s --script /root/flood.lua \
		"$site/" >/root/said 2>&1 || status=$?
	;;
siege)
	# Each of its users takes addresses from another place of the list on.
	echo "connection = $([ "$KEEP" = true ] && echo keep-alive || echo close)" >/root/siegerc
	HOME=/root timeout "$LENGTH" siege --rc=/root/siegerc --benchmark --internet --no-parser \
		--file=/root/addresses --concurrent="$CONNECTIONS" --reps=$((REQUESTS / CONNECTIONS)) --json-output >/root/said 2>&1 || status=$?
	;;
esac
cat /root/said
echo "status $status"
if [ "$INDEX" = 1 ]; then
	answered=$(sed -n 's/^ *\([0-9]*\) requests in .*/\1/p; s/.*"transactions":[[:space:]]*\([0-9]*\).*/\1/p' /root/said)
	outcome answered="${answered:-0}"
fi
signal "over-$INDEX"
