# Shell functions for the client's script: send FILE sends a message, read_mail reads it into /root/got.
server={{.hosts.server.name}}
domain={{.params.domain}}.test
sender={{index (made "users" "name") 0}}
password={{if eq .failure "wrong-password"}}not-{{end}}{{.params.password}}
reader={{index (made "users" "name") 1}}
subject=$SUBJECT
recipients='
{{- if eq .failure "rejected-recipient"}}nobody-{{index (made "users" "name") 1}}@{{.params.domain}}.test
{{- else if eq .task "recipients"}}{{range $i := count .params.recipients}}{{if gt $i 1}},{{end}}{{index (made "users" "name") $i}}@{{$.params.domain}}.test{{end}}
{{- else}}{{index (made "users" "name") 1}}@{{if eq .task "relay"}}{{.params.elsewhere}}{{else}}{{.params.domain}}{{end}}.test{{end}}'

{{if eq .implementations.client "swaks" -}}
send() {
	swaks --server "$server" --port {{if eq .params.security "tls"}}465 --tls-on-connect{{else}}25{{if eq .params.security "starttls"}} --tls{{end}}{{end}} \
		{{if ne .params.security "none"}}--tls-verify --tls-ca-path /etc/ssl/mail-ca.pem{{end}} \
		--helo "client.$domain" --from "$sender@$domain" --to "$recipients" {{if ne .implementations.server "opensmtpd"}}--auth LOGIN --auth-user "$sender" --auth-password "$password"{{end}} \
		--header "Subject: $subject" --body "@$1" {{if eq .task "attachment"}}--attach-type application/octet-stream --attach @/root/attached{{end}} >/root/answers 2>&1
}
read_mail() {
	curl -sSv --user "$reader:$password" --cacert /etc/ssl/mail-ca.pem {{if eq .params.security "starttls"}}--ssl-reqd{{end}} \
		"${TASK}{{if eq .params.security "tls"}}s{{end}}://$server/$([ "$TASK" = imap ] && echo "INBOX;MAILINDEX=1" || echo 1)" >/root/got 2>>/root/answers
}
{{- else -}}
snail() {
	s-nail -:/ -S v15-compat -S sendwait -S tls-ca-file=/etc/ssl/mail-ca.pem -S tls-ca-no-defaults -S tls-verify=strict -S hostname="$domain" -S from="$sender@$domain" -v "$@" >>/root/answers 2>&1
}
send() {
	snail {{if eq .params.security "starttls"}}-S smtp-use-starttls{{end}} -S smtp-auth={{if eq .implementations.server "opensmtpd"}}none{{else if eq .params.security "none"}}plain{{else}}login{{end}} \
		-S mta="smtp{{if eq .params.security "tls"}}s{{end}}://{{if ne .implementations.server "opensmtpd"}}$sender:$password@{{end}}$server:{{if eq .params.security "tls"}}465{{else}}25{{end}}" \
		-s "$subject" {{if eq .task "attachment"}}-a /root/attached{{end}} $(echo "$recipients" | tr , ' ') <"$1"
}
read_mail() {
	printf 'copy 1 /root/got\nexit\n' | snail {{if eq .params.security "starttls"}}-S imap-use-starttls -S pop3-use-starttls{{end}} -R -# \
		-f "${TASK}{{if eq .params.security "tls"}}s{{end}}://$reader:$password@$server$([ "$TASK" != imap ] || echo /INBOX)"
}
{{- end}}
