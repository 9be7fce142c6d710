# Warm-ups run one after the other: the first peer has the content, each further one connects with
# those before it and fetches it.
. /usr/local/lib/lab/peer.sh
input=$(ls /srv/inputs)
before=$(others | head -n $((INDEX - 1)))
api POST system/resume
if [ "$INDEX" = 1 ]; then
	cp "/srv/inputs/$input" "$NAME-before"
	changed
fi
when connected $((INDEX - 1))
when is "$NAME-before" "$input"
when settled $before
