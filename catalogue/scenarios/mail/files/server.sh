# Shell functions for the scripts of servers.
mainlog=$HOST_ROOT/var/log/exim4/mainlog # of exim4; the others print

# What was there before, and is not counted.
find /home -path '*/Maildir/new/*' -type f >/root/mails-before
begin=1
if [ "$IMPLEMENTATION" = exim4 ] && [ -e "$mainlog" ]; then begin=$(($(wc -l <"$mainlog") + 1)); fi

# wait_delivered N: until the server has written that it has delivered N messages since then.
wait_delivered() {
	case $IMPLEMENTATION in
	postfix) log smtp 'status=sent' "$1" ;;
	opensmtpd) log smtp 'result=Ok' "$1" ;;
	exim4)
		rm -f /root/log
		mkfifo /root/log
		tail -n "+$begin" -F "$mainlog" 2>/dev/null >/root/log &
		tail=$!
		n=0
		while [ "$n" -lt "$1" ] && IFS= read -r line; do
			case $line in *' => '*) n=$((n + 1)) ;; esac
		done </root/log
		kill "$tail"
		;;
	esac
}

# resumed: how many TLS sessions the server has resumed. Exim marks them with an asterisk.
resumed() {
	case $IMPLEMENTATION in
	postfix) log smtp | grep -c 'Reusing old session' || true ;;
	exim4) tail -n "+$begin" "$mainlog" | grep -c ' X=[^ ]*\*' || true ;;
	esac
}
