# cut FOLDER COUNT: say "ready" when the folder is watched, and "cut" when manifests have been written to it so often: once for each segment.
cut() {
	mkfifo /tmp/cut
	inotifywait --monitor --event moved_to --format %f "$HOST_ROOT$1" >/tmp/cut 2>&1 &
	missing=$2
	while [ $missing != 0 ] && read -r file; do
		case $file in
		*established*) signal ready ;;
		"$NAME.mpd" | "$NAME"_*.m3u8) missing=$((missing - 1)) ;;
		esac
	done </tmp/cut
	kill $!
	signal cut
}
