# Shell functions for the client's script: start the daemon, wait until it has chosen a source, say which, end it.
mkfifo /root/events
exec 3<>/root/events
{{if eq .implementations.client "chrony" -}}
start() { chronyd -d -x{{if eq .network.family "ipv4"}} -4{{else if eq .network.family "ipv6"}} -6{{end}} -f /etc/chrony/chrony.conf >/root/events 2>&1 & daemon=$!; }
chosen='Selected source'
# The address and stratum of the source that is chosen.
source() { awk '/^\^\*/ { print $2, $3 }'; }
sources() { chronyc -n sources; }
kiss='KoD RATE'
{{- else if eq .implementations.client "ntpsec" -}}
start() { ntpd -n -g{{if eq .network.family "ipv4"}} -4{{else if eq .network.family "ipv6"}} -6{{end}} -c /etc/ntpsec/ntp.conf >/root/events 2>&1 & daemon=$!; }
chosen=sys_peer
source() { awk '/^\*/ { {{if not .network.ipv4}}if (NF == 1) { address = $1; getline; $0 = address " " $0 } {{end}}print substr($1, 2), $3 }'; }
sources() { ntpq -p -n {{if .network.ipv4}}127.0.0.1{{else}}-w ::1{{end}}; }
kiss=rate_exceeded
{{- else -}}
start() { ntpd -d -f /etc/openntpd/ntpd.conf >/root/events 2>&1 & daemon=$!; }
chosen='now valid'
# Trust level 6 or more ("tl") makes a peer valid.
source() { sed 's/\*/ /' | awk 'NF == 1 { address = $1 } $1 ~ /^[0-9]+$/ && $2 >= 6 { print address, $3 }'; }
sources() { ntpctl -s peers; }
kiss='not synced'
{{- end}}

# End the daemon: its port and its socket are free for the next one.
stop() {
	kill "$daemon"
	wait "$daemon" || true
}
# wait_for TEXT: read what the daemon says until TEXT is in a line, at most as long as the patience
wait_for() {
	timeout "$PATIENCE" sh -c 'while IFS= read -r line; do
		printf "%s\n" "$line"
		case $line in *"$1"*) exit ;; esac
	done' sh "$1" </root/events | tee -a /root/log
}
