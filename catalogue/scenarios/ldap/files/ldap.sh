# Shell functions for the client's scripts. The tools end with the LDAP result code (RFC 4511,
# appendix A.1): 0 success, 4 size limit exceeded, 32 no such object, 49 invalid credentials.
top=dc={{.params.domain}},dc=test
uri={{if eq .params.security "ldaps"}}ldaps{{else}}ldap{{end}}://{{.hosts.server.name}}/
manager=cn=manager,$top
password={{if eq .failure "invalid-credentials"}}not-{{end}}{{.params.password}}
{{- if ne .params.security "none"}}
export LDAPTLS_CACERT=/etc/ssl/lab.pem
{{- end}}
cd /root

# bound TOOL ARGUMENT...: bind by name and password, and do
bound() {
	tool=$1
	shift
	"$tool" -x -H "$uri" {{if eq .params.security "starttls"}}-ZZ{{end}} -D "$manager" -w "$password" "$@"
}

# find ARGUMENT...: search, with the answer in the file "found" and the code in "status"
find() {
	status=0
	bound ldapsearch -LLL -o ldif-wrap=no "$@" >found || status=$?
	outcome result=$status
}

entries() { grep -c '^uid: ' found || true; }
{{- with index (made "people" "rows") 0}}
first_uid={{.uid}}
first_department={{.department}}
{{- end}}
