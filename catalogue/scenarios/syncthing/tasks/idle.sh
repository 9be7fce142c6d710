. /usr/local/lib/lab/peer.sh
start
phase idle
sleep "$QUIET"
connected $(($PEER_COUNT - 1))
outcome files="$(ls | wc -l)"
