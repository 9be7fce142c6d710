# Makes the centre's database with its accounts.
kdb5_util create -s -P {{hash .params.password}}
kadmin.local <<END
addprinc {{if .params.preauth}}+{{else}}-{{end}}requires_preauth -pw {{.params.password}} {{.params.user}}
{{- if and (eq .task "service") (ne .failure "unknown-service")}}
addprinc -pw {{.params.service_password}} {{if eq .implementations.service "ssh"}}host{{else}}HTTP{{end}}/service.{{.params.domain}}.test
{{- end}}
END
