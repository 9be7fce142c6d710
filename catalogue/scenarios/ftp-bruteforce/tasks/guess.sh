# Guess with the tool's own way to go through the lists: password by password for each user, or
# user by user for each password (spray).
phase guess
user=$(head -n 1 /root/users)

hydra_() {
	set -- -I -V -P /root/passwords
	case $TASK in
	one-user) set -- "$@" -l "$user" ;;
	many-users) set -- "$@" -L /root/users ;;
	spray) set -- "$@" -u -L /root/users ;;
	esac
	if [ "$PACE" -gt 0 ]; then
		set -- "$@" -t 1 -c "$PACE"
	else
		set -- "$@" -t "$PARALLEL"
	fi
	[ "$SUCCESS" != stop ] || set -- "$@" -f
	hydra {{if not .network.ipv4}}-6 {{end}}"$@" "$SERVER_ADDRESS" ftp
}

patator_() {
	set -- host="$SERVER_ADDRESS" -x ignore:code=530
	case $TASK in
	one-user) set -- "$@" user="$user" password=FILE0 0=/root/passwords ;;
	many-users) set -- "$@" user=FILE0 password=FILE1 0=/root/users 1=/root/passwords ;;
	# the last list is gone through first
	spray) set -- "$@" password=FILE0 user=FILE1 0=/root/passwords 1=/root/users ;;
	esac
	if [ "$PACE" -gt 0 ]; then
		set -- "$@" -t 1 --rate-limit="$PACE"
	else
		set -- "$@" -t "$PARALLEL"
	fi
	[ "$SUCCESS" != stop ] || set -- "$@" -x quit:code=230
	# It writes its progress for every line that it can read.
	mkfifo /root/nothing
	exec 0<>/root/nothing
	patator ftp_login "$@"
}

status=0
"${IMPLEMENTATION}_" >/root/said 2>&1 || status=$?
cat /root/said
echo "status $status"
case $IMPLEMENTATION in
hydra)
	found=$(sed -n 's/^\[21\]\[ftp\] host: .* login: \(.*\)   password: \(.*\)$/\1 \2/p' /root/said)
	guesses=$(grep -c '^\[ATTEMPT\]' /root/said || true)
	;;
patator)
	found=$(sed -n 's/^.* INFO - 230 [^|]*| \([^ |]*\) *|.*$/\1/p' /root/said |
		case $TASK in
		one-user) sed "s/^/$user /" ;;
		many-users) tr ':' ' ' ;;
		spray) sed 's/^\([^:]*\):\(.*\)$/\2 \1/' ;;
		esac)
	guesses=$(sed -n 's,^.*Hits/Done/Skip/Fail/Size: [0-9]*/\([0-9]*\)/.*,\1,p' /root/said)
	;;
esac
outcome found="${found:-none}"
outcome guesses="$guesses"
