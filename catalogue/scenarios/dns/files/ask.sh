# Shell functions for the client's scripts: ask puts the questions to the server of the task, report says what came back.
zone={{.params.domain}}.test
{{- if eq .task "query" "transfer"}}
server={{.hosts.authority.address}}
{{- else}}
server={{.hosts.resolver.address}}
{{- end}}
options='+noall +comments +answer +timeout={{.params.timeout}} {{if eq .implementations.client "dig"}}+tries={{.params.tries}}{{else}}+header +retry={{sub .params.tries 1}}{{end}}
{{- if eq .params.dnssec "yes"}} +dnssec{{end}}
{{- if eq .task "tcp"}} +tcp +keepopen{{end}}
{{- if eq .task "tls"}} +tls +keepopen +tls-ca=/etc/ssl/lab.pem +tls-hostname={{.hosts.resolver.name}}{{end}}'

# questions: sets $questions to the words for the client, and writes the answers that are right to /root/expected
questions() {
	questions=
	: >/root/expected
	for row in {{if eq .failure "truncated"}}'$'{{else}}$(cat /root/questions){{end}}; do
		record=$(sed -n "${row}p" /root/records)
		name=${record%% *}
		data=${record#* }
		echo "$name.$zone. $data" >>/root/expected
		questions="$questions {{if eq .failure "nxdomain"}}no-{{end}}$name.$zone ${data%% *}"
	done
}

# The client's status says less than its output. The first question without an answer in time is signalled where someone waits for it.
ask() {
	questions
	{{- if eq .failure "timeout" "retry"}}
	late=
	: >/root/answers
	{ stdbuf -oL {{.implementations.client}} "@$server" $options $questions 2>&1 || true; } | while IFS= read -r line; do
		printf '%s\n' "$line" >>/root/answers
		case $line$late in *'timed out' | *'response timeout'*')') signal late; late=yes ;; esac
	done
	{{- else}}
	{{.implementations.client}} "@$server" $options $questions >/root/answers 2>&1 || true
	{{- end}}
}

report() {
	cat /root/answers
	status=$(sed -n 's/.*status: \([A-Z]*\)[,;].*/\1/p' /root/answers | sort -u | tr '\n' ' ' | sed 's/ $//')
	if [ -z "$status" ] && grep -qi 'timed out\|timeout' /root/answers; then
		status=timeout
	fi
	outcome status="${status:-none}"
	awk '/^[^;]/ && $4 != "RRSIG" { $2 = $3 = ""; $0 = $0; $1 = $1; print }' /root/answers >/root/got
	outcome answers="$(grep -cFx -f /root/expected /root/got)"
	outcome authenticated="$(grep -ci 'flags:[^;]* ad[ ;]' /root/answers)"
	outcome truncated="$(grep -ci 'truncated' /root/answers)"
}
