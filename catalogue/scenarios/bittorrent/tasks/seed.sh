# Have the published file, and give it until every leecher has what it can get.
. /usr/local/lib/lab/peer.sh
phase announce
peer_start /srv/published
peer_complete
announced=$(peer_announced)
outcome announced="$announced"
if [ "$FAILURE" = corrupted-piece ]; then
	file=/srv/published/$NAME
	touch --reference="$file" /root/time
	head -c 1 "$file" | tr '\0-\377' '\1-\377\0' | dd of="$file" conv=notrunc status=none
	touch --reference=/root/time "$file"
fi
signal seeding
if [ "$announced" = no ] || [ "$TASK" = seed ]; then
	outcome downloads=0
else
	phase seed
	downloads=0
	for i in $(seq "$LEECHER_COUNT"); do
		await "done-$i"
		if [ "$FAILURE" = none ]; then downloads=$((downloads + 1)); fi
	done
	outcome downloads=$downloads
fi
phase leave
peer_stop
