# The last peer leaves, and comes back when the others have the file.
. /usr/local/lib/lab/peer.sh
input=$(ls /srv/inputs)
start
phase leave
if [ "$INDEX" = "$PEER_COUNT" ]; then
	processes=$(pidof syncthing)
	api POST system/shutdown
	for process in $processes; do
		tail -s 0.01 -f --pid="$process" /dev/null # ends with the process
	done
	meet left $(others)
	outcome left=yes
	phase add
	for peer in $(others); do
		await "add-$peer"
	done
	is "$NAME"
	outcome before=nothing
	phase back
	cd /srv/folder # of this view, where it is started again
	mkfifo /tmp/again
	syncthing serve --no-browser --no-restart --no-default-folder --skip-port-probing --logflags=0 --home=/etc/syncthing >/tmp/again 2>&1 &
	exec 3</tmp/again
	grep -m 1 'GUI and API listening' <&3
	cat <&3 &
	seen=0 # events are counted anew
	api POST system/resume # it may have left before it wrote down that it had resumed
	when is "$NAME" "$input"
	when settled $(others)
	meet back $(others)
	all_same "$input"
	exit
fi
when connected $(known | wc -l)
meet left $(others)
change_among "$(known)" add 1 'cp "/srv/inputs/$input" "$NAME"' "$input"
phase back
when settled $(others)
meet back $(others)
all_same "$input"
