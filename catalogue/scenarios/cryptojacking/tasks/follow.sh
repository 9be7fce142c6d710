# Fetch, and follow the chain for so many blocks.
. /usr/local/lib/lab/fetch.sh
phase fetch
outcome fetched="$(fetch)"
set --
[ "$TASK" != chart ] || set -- --user-agent="$BROWSER"
emulate stratum-wallet $(where) "$@" --account "$ACCOUNT" --blocks "$BLOCKS" --length 1h >/root/said
cat /root/said
outcome subscribed="$(grep -c '^subscribed$' /root/said || true)"
outcome balances="$(grep -c '^balance ' /root/said || true)"
