# Keep the server busy until it has had enough. GoldenEye itself never ends.
# There is no visitor where there is no server.
[ "$FAILURE" = refused ] || await start
phase strike
set -- "$PROTOCOL://www.$DOMAIN.test:$PORT/" -n -w "$WORKERS" -s "$SOCKETS"
case $TASK in
get) set -- "$@" -m get ;;
post) set -- "$@" -m post ;;
random) set -- "$@" -m random ;;
agents) set -- "$@" -m get -u /root/agents ;;
esac
# A group of its own, so that its processes end with it.
setsid timeout --signal=KILL "$LENGTH" goldeneye "$@" >/root/said 2>&1 &
tool=$!
if [ "$FAILURE" != refused ]; then
	(await enough && kill -KILL "-$tool") &
fi
status=0
wait $tool || status=$?
kill -KILL "-$tool" 2>/dev/null || true
sort -u /root/said
echo "status $status"
hit=$(sed -n 's/^\([0-9]*\) GoldenEye strikes hit.*/\1/p' /root/said | sort -n | tail -n 1)
outcome hit="${hit:-0}"
signal over
wait
