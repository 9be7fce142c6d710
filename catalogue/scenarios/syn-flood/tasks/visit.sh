# Visit before the flood, while it lasts, until there is an answer again, and after it.
. /usr/local/lib/client.sh
. /usr/local/lib/visitor.sh
phase before
visits "$VISITS" before
tell before
if [ "$TASK" != visit ]; then
	signal start
	phase during
	visits_until during over
	tell during
	phase recovery
	until grep -q '^200 ' /root/recovery 2>/dev/null; do
		visit recovery
	done
	phase after
	visits "$VISITS" after
	tell after
fi
