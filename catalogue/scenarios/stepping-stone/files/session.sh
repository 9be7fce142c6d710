# Shell functions of who types.
{{- $next := .hosts.server.name}}
{{- if lt .self.index .params.stones}}{{$next = (host (printf "stone-%d" (add .self.index 1))).name}}{{end}}
next={{$next}}
HOME=/root
cd /root

# type_command COMMAND: type it and read until its end shows. Terminals echo what is typed, so the
# end is a word that is not typed as it is shown.
typed=0
type_command() {
	typed=$((typed + 1))
	printf '%s; echo end-$((%d+0))\n' "$1" $typed >&3
	while IFS= read -r line <&4; do
		case $line in
		*end-\$*) ;;
		*end-$typed*) return 0 ;;
		*) printf '%s\n' "$line" >>screenful ;;
		esac
	done
	return 1
}

# session ARGUMENT...: log in to the next host, run "onward ARGUMENT..." there and type the session's commands.
session() {
	phase connect
	mkfifo keyboard screen
	: >screenful
	{ status=0; ssh -tt "$next" onward "$@" <keyboard >screen 2>complaints || status=$?; echo $status >status; } &
	typist=$!
	exec 3>keyboard 4<screen
	answered=0
	if type_command true; then
		signal "up-$INDEX"
		phase work
		while read -r think command; do
			sleep "$think"
			type_command "$command" || break
			answered=$((answered + 1))
		done <session
	else
		signal "up-$INDEX"
	fi
}

# leave: end the session and wait for its end.
leave() {
	[ $answered = 0 ] || printf 'exit\n' >&3
	exec 3>&-
	cat <&4 >>screenful
	wait $typist
}

# login: what became of it
login() {
	cat complaints screenful >&2
	if grep -q 'Connection refused' complaints screenful; then
		echo refused
	elif grep -q 'Permission denied (' complaints screenful; then
		echo denied
	elif [ "$(cat status)" = 0 ]; then
		echo ok
	else
		echo "failed with status $(cat status)"
	fi
}

# chaff: send chaff through the forwarded port of this host's connection to the next, until the session ends.
chaff() {
	emulate chaff --to 127.0.0.1:9000 --plan /root/chaff &
	sender=$!
	await done
	kill -TERM $sender 2>/dev/null || true # it may have come to the end of its plan
	wait $sender
}
