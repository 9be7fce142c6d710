# Makes the service's key, from the password that the centre has it from. Unbuffered, for the
# password is read by another function than the commands.
stdbuf -i0 ktutil <<END
addent -password -p {{if eq .implementations.service "ssh"}}host{{else}}HTTP{{end}}/service.{{.params.domain}}.test -k 1 -e {{.params.encryption}}
{{.params.service_password}}
wkt /etc/krb5.keytab
END
{{- if eq .implementations.service "web"}}
chown www-data /etc/krb5.keytab
{{- end}}
