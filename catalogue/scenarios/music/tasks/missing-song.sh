# Ask for a song that is not there.
. /usr/local/lib/lab/control.sh
phase control
if control add no-such-song; then
	outcome answer=added
else
	outcome answer="$(grep -v ^warning /root/errors)"
fi
