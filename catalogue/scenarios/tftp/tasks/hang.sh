# Stop the server as if it hung: its socket stays.
for process in $(pidof in.tftpd atftpd); do kill -STOP "$process"; done
signal hung
