. /usr/local/lib/lab/peer.sh
start
input=$(ls /srv/inputs)
change add 1 'cp "/srv/inputs/$input" "$NAME"' "$input"
all_same "$input"
