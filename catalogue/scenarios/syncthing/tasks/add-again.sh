# The peers are connected, and have the content.
. /usr/local/lib/lab/peer.sh
input=$(ls /srv/inputs)
change add 1 'cp "/srv/inputs/$input" "$NAME"' "$input"
all_same "$input"
