# The last peer calls the others, none of which knows it.
. /usr/local/lib/lab/peer.sh
input=$(ls /srv/inputs)
phase connect
if [ "$INDEX" = "$PEER_COUNT" ]; then
	for peer in $(others); do
		await "callable-$peer"
	done
	api POST system/resume
	for peer in $(others); do
		await "rejected-$peer"
	done
	phase add
	for peer in $(others); do
		await "add-$peer"
	done
	connected 0
	is "$NAME"
	outcome last=nothing
	exit
fi

# called: the last peer has called, and was turned away
called() { api GET cluster/pending/devices | grep -q "$(id_of "$PEER_COUNT")"; }

connect $(known)
when called
outcome rejected=yes
meet rejected $(known)
change_among "$(known)" add 1 'cp "/srv/inputs/$input" "$NAME"' "$input"
outcome same=$((PEER_COUNT - 1))
