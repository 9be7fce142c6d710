# Shell functions for the scripts of servers.

# What was there before, and is not counted.
find /home -path '*/Maildir/new/*' -type f >/root/mails-before

# wait_delivered N: until the server has written that it has delivered N messages.
wait_delivered() {
	case $IMPLEMENTATION in
	postfix) log smtp 'status=sent' "$1" ;;
	opensmtpd) log smtp 'result=Ok' "$1" ;;
	exim4) log smtp ' => ' "$1" ;;
	esac
}

# resumed: how many TLS sessions the server has resumed. Exim marks them with an asterisk.
resumed() {
	case $IMPLEMENTATION in
	postfix) log smtp | grep -c 'Reusing old session' || true ;;
	exim4) log smtp | grep -c ' X=[^ ]*\*' || true ;;
	esac
}
