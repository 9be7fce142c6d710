# A visitor of the first page, who measures what an attack does to others. Needs client.sh.

# visit NAME: asks for the first page as a visitor who waits WAIT seconds and no longer, adds a line to the file
# NAME (status, 000 when none came; seconds), then thinks.
visit() {
	curl -s -o /dev/null --max-time "$WAIT" -w '%{http_code} %{time_total}\n' "$site/" >>"/root/$1" || true
	sleep "$THINK"
}

# visits COUNT NAME: so many.
visits() {
	: >"/root/$2"
	for i in $(seq "$1"); do
		visit "$2"
	done
}

# visits_until NAME SIGNAL...: until other hosts have given all the signals.
visits_until() {
	during=$1
	shift
	: >"/root/$during"
	(
		for name; do
			await "$name"
		done
		: >/root/over
	) &
	while [ ! -e /root/over ]; do
		visit "$during"
	done
	wait
}

# slowed NAME NAME: whether the median of the second visits is more than one and a half times the shortest of the
# first.
slowed() {
	shortest=$(sort -k 2 -n "/root/$1" | awk 'NR == 1 { print $2 * 1000 }')
	awk -v before="$shortest" -v during="$(median "$2")" 'BEGIN { print (during > 1.5 * before) ? "yes" : "no" }'
}

# median NAME: of the milliseconds of the visits in the file NAME.
median() {
	sort -k 2 -n "/root/$1" | awk '{ ms[NR] = $2 * 1000 } END { printf "%.3f\n", ms[int((NR + 1) / 2)] }'
}

# tell NAME: what became of the visits in the file NAME, as outcomes.
tell() {
	cat "/root/$1"
	outcome "served_$1=$(grep -c '^200 ' "/root/$1" || true)"
	outcome "failed_$1=$(grep -vc '^200 ' "/root/$1" || true)"
	outcome "median_$1=$(median "$1")"
}
