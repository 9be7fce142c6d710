# Guess with the tool's own way to go through the list.
phase guess
case $TASK in
list) cp /root/passwords /root/list ;;
reverse) tac /root/passwords >/root/list ;;
esac

hydra_() {
	set -- -I -V -l "$USER" -P /root/list -s "$PORT"
	if [ "$PACE" -gt 0 ]; then
		set -- "$@" -t 1 -c "$PACE"
	else
		set -- "$@" -t "$PARALLEL"
	fi
	[ "$SUCCESS" != stop ] || set -- "$@" -f
	hydra {{if not .network.ipv4}}-6 {{end}}"$@" "$SERVER_ADDRESS" "$PROTOCOL-get" "/members/$NAME"
}

patator_() {
	# It needs some entry for a name, and writes its progress for every line that it can read.
	set -- url="$PROTOCOL://www.$DOMAIN.test:$PORT/members/$NAME" resolve="www.$DOMAIN.test:$SERVER_ADDRESS" \
		user_pass="$USER:FILE0" 0=/root/list -x ignore:code=401
	mkfifo /root/nothing
	exec 0<>/root/nothing
	if [ "$PACE" -gt 0 ]; then
		set -- "$@" -t 1 --rate-limit="$PACE"
	else
		set -- "$@" -t "$PARALLEL"
	fi
	[ "$SUCCESS" != stop ] || set -- "$@" -x quit:code=200
	patator http_fuzz "$@"
}

status=0
"${IMPLEMENTATION}_" >/root/said 2>&1 || status=$?
cat /root/said
echo "status $status"
found=$(case $IMPLEMENTATION in
hydra) sed -n 's/^\[[0-9]*\]\[http-get\] host: .* login: \(.*\)   password: \(.*\)$/\1 \2/p' /root/said ;;
patator) sed -n "s/^.* INFO - 200 [^|]*| \([^ |]*\) *|.*\$/$USER \1/p" /root/said ;;
esac)
outcome found="${found:-none}"
signal guessed
