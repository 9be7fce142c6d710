# Shell functions for the client's scripts.
share=//{{.hosts.server.name}}/{{if eq .failure "no-such-share"}}no-{{end}}{{.params.share}}
account={{.params.user}}
password={{if eq .failure "wrong-password"}}not-{{end}}{{.params.password}}
mkdir /root/got
cd /root/got

# smb ARGUMENT...: log in and do what the standard input says; the answers are in the file "answers", and what went wrong is reported
smb() {
	phase login
	status=0
	# by lines, so that what it says of files does not cut what it lists
	stdbuf -oL smbclient -U "$account%$password" "$@" >/root/answers 2>&1 || status=$?
	cat /root/answers
	complaint=$(grep -o 'NT_STATUS_[A-Z_]*' /root/answers | sort -u)
	if [ "$complaint" ]; then
		outcome result="$complaint"
	elif [ $status = 0 ]; then
		outcome result=ok
	{{- if .network.ipv6}}
	# After the shares smbclient would ask for workgroups by NetBIOS, which has no IPv6.
	elif grep -q 'is an IPv6 address -- no workgroup available' /root/answers; then
		outcome result=ok
	{{- end}}
	else
		outcome result="failed with status $status"
	fi
}
