. /usr/local/lib/lab/peer.sh
start
change add "$(author 1)" 'cp /srv/inputs/text "$NAME"' text
change edit "$(author 2)" 'cat /srv/inputs/more >>"$NAME"' text more
all_same text more
