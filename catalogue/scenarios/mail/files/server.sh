# Shell functions for the scripts of servers.
case $IMPLEMENTATION in
postfix) log=/.detgen/logs/smtp.log done=status=sent ;;
exim4) log=/var/log/exim4/mainlog done=' => ' ;;
opensmtpd) log=/.detgen/logs/smtp.log done='result=Ok' ;;
esac

# wait_delivered N: until the server has written that it has delivered N messages.
wait_delivered() {
	rm -f /root/log
	mkfifo /root/log
	tail -n +1 -f "$log" >/root/log &
	tail=$!
	n=0
	while [ "$n" -lt "$1" ] && IFS= read -r line; do
		case $line in *"$done"*) n=$((n + 1)) ;; esac
	done </root/log
	kill "$tail"
}

# resumed: how many TLS sessions the server has resumed. Exim marks them with an asterisk.
resumed() {
	case $IMPLEMENTATION in
	postfix) grep -c 'Reusing old session' "$log" || true ;;
	exim4) grep -c ' X=[^ ]*\*' "$log" || true ;;
	esac
}
