# Load the playlist and let it play.
. /usr/local/lib/lab/control.sh
await ready
phase control
control clear
if [ "$TASK" = statistics ]; then
	mpc stats >/root/stats
	cat /root/stats
	outcome uptime="$(sed -n 's/^Uptime: *[0-9]* days, \([0-9]*\):.*/\1/p' /root/stats)"
	control load "$PLAYLIST"
	outcome listed="$(control --format '%file%' playlist | wc -l)"
else
	control load "$PLAYLIST"
fi
if [ "$TASK" = shuffle ]; then control shuffle; fi
if [ "$TASK" = playlist ]; then
	mkfifo /root/changes
	mpc idleloop player >/root/changes &
	exec 3</root/changes
fi
control play 1
for i in $(seq "$LISTENERS"); do await "hearing-$i"; done
case $TASK in
first | statistics)
	outcome played="$(playing)"
	sleep "$LISTEN"
	control stop
	;;
shuffle)
	if grep -q -x "$(playing)" /root/titles; then outcome played=known; fi
	sleep "$LISTEN"
	control stop
	;;
pause)
	outcome played="$(playing)"
	sleep "$LISTEN"
	control pause
	if mpc status | grep -q '^\[paused\]'; then outcome paused=yes; fi
	sleep "$LISTEN"
	control play
	sleep "$LISTEN"
	control stop
	;;
playlist)
	# the songs that are played, until there is none
	while read -r _; do
		song=$(playing)
		[ "$song" ] || break
		echo "$song" >>/root/played
	done <&3
	outcome played="$(sort -u /root/played | wc -l)"
	;;
esac
heard=0
for i in $(seq "$LISTENERS"); do
	await "heard-$i"
	heard=$((heard + 1))
done
outcome heard=$heard
