. /usr/local/lib/lab/peer.sh
start
change add "$(author 1)" 'cp /srv/inputs/text "$NAME"' text
change edit "$(author 2)" 'cat /srv/inputs/more >>"$NAME"' text more
change delete "$(author 3)" 'rm "$NAME"'
all_same
