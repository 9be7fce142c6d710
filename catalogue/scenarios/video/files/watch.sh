# What watching shows: /root/watched.* is what was received.

# frames FILE: how many pictures are in it.
frames() {
	if [ -s "$1" ]; then
		ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$1" | head -n 1 | tr -d ,
	else
		echo 0
	fi
}

# report FRAMES: nothing, a part, or (but for a tenth at the ends) all of the length.
report() {
	outcome received="$(awk -v got="$1" -v all="$LENGTH $FRAMES" 'BEGIN {
		split(all, n); print got == 0 ? "nothing" : got < n[1] * n[2] * 0.9 ? "part" : "all"
	}')"
}
