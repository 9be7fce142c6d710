# Visit before the flood, while it lasts, and after it.
# visit NAME: ask for the page, wait so long and no longer, and note status (000 when none came) and seconds.
visit() {
	curl -s -o /dev/null --max-time "$WAIT" -w '%{http_code} %{time_total}\n' "http://www.$DOMAIN.test/" >>"/root/$1" || true
	sleep "$THINK"
}
# tell NAME: what became of the visits
tell() {
	cat "/root/$1"
	outcome "served_$1=$(grep -c '^200 ' "/root/$1" || true)"
	outcome "failed_$1=$(grep -vc '^200 ' "/root/$1" || true)"
	outcome "median_$1=$(sort -k 2 -n "/root/$1" | awk '{ ms[NR] = $2 * 1000 } END { printf "%.3f", ms[int((NR + 1) / 2)] }')"
}
phase before
for i in $(seq "$VISITS"); do visit before; done
tell before
[ "$TASK" != visit ] || exit 0
signal start
phase during
(
	for i in $(seq "$BOT_COUNT"); do await "over-$i"; done
	: >/root/over
) &
: >/root/during
while [ ! -e /root/over ]; do visit during; done
wait
tell during
phase after
for i in $(seq "$VISITS"); do visit after; done
tell after
