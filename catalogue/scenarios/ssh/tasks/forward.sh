# A port of the client leads to the server's own SSH port; a second login goes through it.
. /usr/local/lib/lab/ssh.sh
scan
known_as "[localhost]:4022"
known_as localhost
phase login
remote -N -L 127.0.0.1:4022:127.0.0.1:$port "$target" 2>complaints </dev/null >/dev/null &
# 0FB6 is the port, 0A a socket that listens
until grep -q ':0FB6 .* 0A ' /proc/net/tcp; do
	if ! kill -0 $! 2>/dev/null; then
		status=0
		wait $! || status=$?
		outcome login="$(login_of $status)"
		exit
	fi
done
outcome login=ok
phase through
client $remote_shell -p 4022 "$account@localhost" "sha256sum $NAME" >answer
outcome sha256="$(cut -d' ' -f1 answer)"
kill $!
wait $! || true
