# Ask a jukebox that is not there.
. /usr/local/lib/lab/control.sh
phase control
if control status; then
	outcome answer=there
else
	outcome answer="$(grep -v ^warning /root/errors)"
fi
