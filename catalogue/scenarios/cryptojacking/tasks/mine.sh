# Fetch, and mine until the pool has answered so many shares.
. /usr/local/lib/lab/fetch.sh
phase fetch
outcome fetched="$(fetch)"
set -- --wallet="$WALLET"
[ "$FAILURE" != banned ] || set -- --wallet="not$WALLET"
[ "$FAILURE" != rejected ] || set -- "$@" --faulty
case $TASK in
process) set -- "$@" --agent="$AGENT (Linux x86_64) libuv/1.44.2 gcc/12.2.0" ;;
page) set -- "$@" --agent="$AGENT" --user-agent="$BROWSER" ;;
esac
emulate stratum-miner $(where) "$@" --shares "$SHARES" --rate "$RATE" --keepalive "${PAUSE}s" --length 1h >/root/said
cat /root/said
outcome login="$(sed -n 's/^login \([a-z]*\).*/\1/p' /root/said)"
outcome accepted="$(grep -c '^accepted$' /root/said || true)"
outcome rejected="$(grep -c '^rejected: Low difficulty share$' /root/said || true)"
hashes=$(sed -n 's/^hashes //p' /root/said)
outcome hashes="${hashes:-0}"
signal over
