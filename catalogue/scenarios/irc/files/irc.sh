# Shell functions of everyone's scripts: irssi on a terminal of its own, which is told what to do, and
# tells what comes, by pipes (remote.pl).
cd /root
export HOME=/root TERM=vt100
nicks='{{join " " (made "people" "nick")}}'
nick() { echo "$nicks" | cut -d ' ' -f "$1"; }
{{- if or (eq .task "talk") (eq .task "crowd")}}
channel='#{{.params.channel}}'
key={{if and .params.keyed (or (ne .failure "wrong-key") (eq .self.index 1))}}{{.params.key}}{{end}}
{{- end}}

mkfifo commands events keyboard
exec 5<>keyboard
script -qec irssi screen <keyboard >/dev/null &
exec 3>commands 4<events

say() { printf '%s\n' "$1" >&3; }

# comes PATTERN: read what comes until it fits
comes() {
	while IFS= read -r line <&4; do
		echo "$line"
		case $line in $1) return 0 ;; esac
	done
	echo "irssi ended before this came: $1" >&2
	return 1
}

# answered NUMBER...: read what comes until the server gives an answer of one of these numbers
answered() {
	while comes ':* [0-9][0-9][0-9] *'; do
		answer=${line#* }
		answer=${answer%% *}
		for number; do
			[ "$answer" != "$number" ] || return 0
		done
	done
	return 1
}

# connect: until the message of the day; what the server did not like stays in $refused
connect() {
	phase connect
	refused=none
	say 'connect {{if .network.ipv4}}-4{{else}}-6{{end}} {{if .params.tls}}-tls_verify -tls_cafile /etc/ssl/lab.pem {{end}}{{.hosts.server.name}} {{if .params.tls}}6697{{else}}6667{{end}}'
	answered 001 433
	while [ "$answer" = 433 ]; do
		refused=433
		answered 001 433
	done
	nick=${line#* 001 }
	nick=${nick%% *}
	answered 376 422
}

# converse TARGET: say the lines that are this person's, each when the one before has come
converse() {
	phase talk
	count=0
	while read -r speaker text; do
		if [ "$speaker" = "$INDEX" ]; then
			say "msg $1 $text"
		else
			comes ":$(nick "$speaker")!* PRIVMSG * :$text"
			count=$((count + 1))
		fi
	done <lines
	[ "$INDEX" != 1 ] || outcome heard=$count
}

# leave: until irssi has ended
leave() {
	say quit
	cat <&4
	wait
}
