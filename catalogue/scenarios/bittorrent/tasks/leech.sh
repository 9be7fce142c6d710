# Get the published file, and go on giving it until everybody has it.
. /usr/local/lib/lab/peer.sh
if [ "$TASK" = late ] && [ "$INDEX" = "$LEECHER_COUNT" ]; then
	for i in $(seq $((LEECHER_COUNT - 1))); do await "done-$i"; done
else
	await seeding
fi
phase announce
peer_start /srv/downloads
if [ "$(peer_announced)" = yes ]; then
	phase download
	if [ "$FAILURE" = corrupted-piece ]; then
		peer_corrupt
		outcome corrupt=yes
	else
		peer_complete
		cmp "/srv/published/$NAME" "/srv/downloads/$NAME"
	fi
	signal "done-$INDEX"
	phase seed
	for i in $(seq "$LEECHER_COUNT"); do await "done-$i"; done
fi
phase leave
peer_stop
