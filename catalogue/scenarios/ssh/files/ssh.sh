# Shell functions for the client's scripts: ssh, scp and sftp by either implementation.
account={{if eq .failure "unknown-user"}}nobody-{{end}}{{.params.user}}
target=$account@{{.hosts.server.name}}
port={{.params.port}}
{{- $password := false}}{{if ne .task "keyscan"}}{{$password = eq .params.auth "password"}}{{end}}
{{- if $password}}
secret={{if eq .failure "wrong-password"}}not-{{end}}{{.params.password}}
export SSHPASS=$secret DROPBEAR_PASSWORD=$secret
{{- end}}
HOME=/root
cd /root

# client PROGRAM ARGUMENT...: run it with the password, if there is one, at hand
client() {
	{{- if and $password (eq .implementations.client "openssh")}}
	sshpass -e "$@"
	{{- else}}
	"$@"
	{{- end}}
}

{{if eq .implementations.client "openssh" -}}
remote_shell=ssh
remote() { client ssh -p $port "$@"; }
copy() { client scp -q -P $port "$@"; }
batch() { client sftp -o BatchMode=no -P $port -b "$1" "$target"; }
terminal() { remote -tt "$target"; }
{{- else -}}
remote_shell=dropbear-ssh
remote() { client dropbear-ssh -p $port "$@"; }
copy() { client scp -q -S /usr/local/bin/dropbear-ssh -P $port "$@"; }
batch() { client sftp -S /usr/local/bin/dropbear-ssh -P $port -b "$1" "$target"; }
# dbclient wants a terminal of its own
terminal() { script -qefc "dropbear-ssh -p $port -t $target" /dev/null; }
{{- end}}

# scan: ask for the server's key, unless it is known
scan() {
	[ -e .ssh/known_hosts ] && return
	phase scan
	ssh-keyscan -t {{.params.host_key}} -p $port {{.hosts.server.name}} >.ssh/known_hosts 2>scan.log || cat scan.log >&2
	known_as {{.hosts.server.name}} # dbclient looks for the name without the port
}

# known_as NAME: the server's key is that of this name too
known_as() {
	sed "s/^[^ ]* /$1 /" .ssh/known_hosts >also
	cat also >>.ssh/known_hosts
}

# login_of STATUS: what the program's status and complaints say about the login
login_of() {
	cat complaints >&2
	if grep -q -e 'exited: Disconnect received' -e 'exited: Remote closed the connection' complaints; then
		echo denied # dbclient, whatever its status, when it has no password left to try
	elif [ "$1" = 0 ]; then
		echo ok
	elif grep -q 'Connection refused' complaints; then
		echo refused
	elif grep -qi -e 'host identification has changed' -e 'host key mismatch' complaints; then
		echo mismatch
	elif grep -qi -e 'permission denied' -e 'no auth methods' -e 'authentication failed' complaints; then
		echo denied
	else
		echo "failed with status $1"
	fi
}
