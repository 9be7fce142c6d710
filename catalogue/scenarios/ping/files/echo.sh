# echo_to ADDRESS: send the echo requests that the parameters ask for, and report what came back.
# ping's own status is 1 when no reply came; that is an outcome, not a mistake.
echo_to() {
	ping -n -c "$COUNT" -i "$INTERVAL" -s "$SIZE" -W "$PATIENCE" "$1" >"/tmp/ping.$$" || true
	cat "/tmp/ping.$$"
	outcome sent="$(sed -n 's/^\([0-9]*\) packets transmitted.*/\1/p' "/tmp/ping.$$")"
	outcome replies="$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "/tmp/ping.$$")"
}
