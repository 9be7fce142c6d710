# Visit before the flood, while it lasts, and after it.
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
	outcome slowed="$(slowed before during)"
	phase after
	visits "$VISITS" after
	tell after
fi
