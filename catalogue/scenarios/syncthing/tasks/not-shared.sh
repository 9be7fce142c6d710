# The last peer offers the folder to the others, which do not share it with the last peer.
. /usr/local/lib/lab/peer.sh
input=$(ls /srv/inputs)
phase connect
connect $(others)
if [ "$INDEX" = "$PEER_COUNT" ]; then
	phase add
	for peer in $(others); do
		await "add-$peer"
	done
	connected $(others | wc -l)
	is "$NAME"
	outcome last=nothing
	exit
fi

# offered: the last peer has offered a folder that this one does not share with it
offered() { api GET cluster/pending/folders | grep -q "$(id_of "$PEER_COUNT")"; }

when offered
outcome offered=yes
change_among "$(known)" add 1 'cp "/srv/inputs/$input" "$NAME"' "$input"
outcome same=$((PEER_COUNT - 1))
