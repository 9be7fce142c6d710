# Send lines over the tunnel and read what is answered.
. /usr/local/lib/lab/tunnel.sh
phase login
tunnel
outcome tunnel=$tunnel
phase session
answers=0
if [ $tunnel = up ]; then
	mkfifo /root/to /root/from
	nc -N 172.31.255.1 7000 </root/to >/root/from &
	session=$!
	exec 4>/root/to 5</root/from
	while read -r think size; do
		sleep "$think"
		echo "$size" >&4
		read -r text <&5
		read -r dot <&5
		[ "$dot" != . ] || answers=$((answers + 1))
	done </root/lines
	exec 4>&-
	wait $session
fi
outcome answers=$answers
close
