. /usr/local/lib/lab/peer.sh
start
change add "$(author 1)" 'cp /srv/inputs/text "$NAME"' text
change delete "$(author 2)" 'rm "$NAME"'
all_same
