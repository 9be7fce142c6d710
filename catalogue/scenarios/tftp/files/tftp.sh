# Shell functions for the client's scripts. get NAME and put NAME [AS] transfer a file; a block size as BLOCK_SIZE
# is asked for. What the client says is kept in /root/answers, and its own status says nothing (report does).
mkdir -p /root/got
: >/root/answers
retransmit={{.params.retransmit}}

{{if eq .implementations.client "tftp-hpa" -}}
commands() { printf 'rexmt %s\ntimeout %s\nbinary\n%s\n' "$retransmit" "$((retransmit * 5))" "$1"; }
# The program takes lines of up to 199 bytes, so that paths are left out.
get() { cd /root/got; commands "get $1" | tftp {{if .network.ipv4}}-4{{else}}-6{{end}} -l "$SERVER_NAME" >>/root/answers 2>&1 || true; }
put() { cd /srv/files; commands "put $1${2:+ $2}" | tftp {{if .network.ipv4}}-4{{else}}-6{{end}} -l "$SERVER_NAME" >>/root/answers 2>&1 || true; }
{{- else if eq .implementations.client "atftp" -}}
transfer() { atftp --tftp-timeout "$retransmit" ${BLOCK_SIZE:+--option "blksize $BLOCK_SIZE"} "$@" "$SERVER_NAME" >>/root/answers 2>&1 || true; }
get() { transfer --get --remote-file "$1" --local-file "/root/got/$1"; }
put() { transfer --put --local-file "/srv/files/$1" --remote-file "${2:-$1}"; }
{{- else -}}
# curl divides the time to connect into three attempts (lib/tftp.c).
transfer() { curl -sS --connect-timeout "$((retransmit * 3))" ${BLOCK_SIZE:+--tftp-blksize "$BLOCK_SIZE"} "$@" >>/root/answers 2>&1 || true; }
get() { transfer --output "/root/got/$1" "tftp://$SERVER_NAME/$1"; }
put() { transfer --upload-file "/srv/files/$1" "tftp://$SERVER_NAME/${2:-$1}"; }
{{- end}}

# report: what the client said about the transfers
report() {
	cat /root/answers
	# curl's numbers: 68 no such file, 69 access violation, 71 undefined error of the server, 28 timeout
	if grep -qi -e 'file not found' -e '^curl: (68)' /root/answers; then
		outcome result=no-such-file
	elif grep -qi -e 'access violation' -e 'permission denied' -e '^curl: (69)' -e '^curl: (71)' /root/answers; then
		outcome result=access-violation
	elif grep -qi -e 'timed out' -e 'tftp: aborting' -e '^curl: (28)' /root/answers; then
		outcome result=timeout
	else
		outcome result="$(grep -qi -e error -e curl: /root/answers && echo error || echo ok)"
	fi
}

# same: files that were got and are as they should be
same() {
	n=0
	for name in $(cat /root/names); do
		if cmp -s "/root/got/$name" "/srv/files/$name"; then n=$((n + 1)); fi
	done
	outcome same=$n
}
