# Work on the server through the stones.
. /usr/local/lib/lab/session.sh
if [ "$TASK" = chaffed ] && [ "$FAILURE" = none ]; then
	(
		await up-0
		chaff
	) &
	own=$!
	session
	signal done
	wait $own
	# ssh does not end before the connections that it forwards.
	for i in $(seq "$STONE_COUNT"); do
		await "calm-$i"
	done
else
	session
fi
leave
outcome login="$(login)"
outcome commands=$answered
