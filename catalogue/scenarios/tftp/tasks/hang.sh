# Stop the server as if it hung: its socket stays.
for process in $(pidof in.tftpd atftpd); do kill -STOP "$process"; done
signal hung
if [ "$TASK" = put ]; then
	await done
	outcome same="$(find /srv/tftp -type f | wc -l)"
fi
