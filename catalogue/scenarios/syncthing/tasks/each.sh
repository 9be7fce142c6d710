# Every peer has a file of its own: NAME with its number.
. /usr/local/lib/lab/peer.sh
start

# all MORE: each peer's file is there, with what is added to it
all() {
	for peer in $(seq "$PEER_COUNT"); do
		is "$NAME$peer" "$peer" $1 || return 1
	done
}

phase add
cp "/srv/inputs/$INDEX" "$NAME$INDEX"
changed
when all ''
when settled $(others)
meet add $(others)

phase edit
cat /srv/inputs/more >>"$NAME$((INDEX % PEER_COUNT + 1))"
changed
when all more
when settled $(others)
meet edit $(others)
outcome same="$PEER_COUNT"
