# Shell functions for the client's scripts. session OPERATION... does operations in one session
# after the login, the question where one is, and a list; an operation is one word or more, split
# at colons: get:NAME put:NAME delete:NAME mkdir:NAME cd:NAME rename:FROM:TO chmod:MODE:NAME rmdir:NAME
user={{.params.user}}
password={{if eq .failure "wrong-password"}}not-{{end}}{{.params.password}}
first=$(head -n 1 /root/names){{if eq .failure "no-such-file"}}-missing{{end}}
folder={{.params.folder}}
mkdir /root/got
cd /root/got

{{if eq .implementations.client "tnftp" -}}
session() {
	{
		echo "open {{.hosts.server.name}} 21"
		echo "user $user $password"
		echo pwd
		echo ls
		echo binary
		echo '!phase work'
		for operation; do
			set -f; IFS=:; set -- $operation; unset IFS; set +f
			case $1 in
			get) echo "get $2" ;;
			put) echo "put /srv/files/$2 $2" ;;
			delete) echo "delete $2" ;;
			mkdir) echo "mkdir $2" ;;
			cd) echo "cd $2" ;;
			rename) echo "rename $2 $3" ;;
			chmod) echo "chmod $2 $3" ;;
			rmdir) echo "rmdir $2" ;;
			esac
		done
		echo quit
	} >commands
	phase login
	if [ "$EXPECT_NO_WORK" ]; then
		sed -i '/^!phase/,$d' commands
	fi
	tnftp -n -v -i -{{if eq .params.mode "active"}}A{{else}}p{{end}} <commands >answers 2>&1 || true
}
{{- else if eq .implementations.client "lftp" -}}
session() {
	{
		echo 'set net:max-retries 1'
		echo 'set net:timeout 10'
		echo 'set ftp:passive-mode {{if eq .params.mode "active"}}off{{else}}on{{end}}'
		echo 'set ftp:ssl-allow {{.params.tls}}'
		{{- if eq .params.tls "yes"}}
		echo 'set ftp:ssl-force yes'
		echo 'set ftp:ssl-protect-data yes'
		echo 'set ssl:ca-file /etc/ssl/lab.pem'
		{{- end}}
		echo 'debug 4'
		echo "open -p 21 -u $user,$password ftp://{{.hosts.server.name}}"
		echo 'quote PWD'
		echo ls
		echo '!phase work'
		for operation; do
			set -f; IFS=:; set -- $operation; unset IFS; set +f
			case $1 in
			get) echo "get $2" ;;
			put) echo "put /srv/files/$2 -o $2" ;;
			delete) echo "rm $2" ;;
			mkdir) echo "mkdir $2" ;;
			cd) echo "cd $2" ;;
			rename) echo "mv $2 $3" ;;
			chmod) echo "quote SITE CHMOD $2 $3" ;;
			rmdir) echo "rmdir $2" ;;
			esac
		done
		echo quit
	} >commands
	phase login
	if [ "$EXPECT_NO_WORK" ]; then
		sed -i '/^!phase/,$d' commands
	fi
	lftp -f commands >answers 2>&1 || true
}
{{- else -}}
fetch() {
	curl -sS -v --user "$user:$password" --connect-timeout 10 {{if eq .params.mode "active"}}--ftp-port -{{else}}--ftp-pasv{{end}} \
		{{if eq .params.tls "yes"}}--ssl-reqd --cacert /etc/ssl/lab.pem{{end}} "$@" >>answers 2>&1
}
session() {
	: >answers
	phase login
	fetch -Q PWD ftp://{{.hosts.server.name}}/ || true
	if [ "$EXPECT_NO_WORK" ]; then
		return
	fi
	phase work
	here=
	# commands name whole paths: the folder that a transfer before them left is not the home
	home=/home/$user/
	: >commands
	for operation; do
		set -f; IFS=:; set -- $operation; unset IFS; set +f
		case $1 in
		get) printf 'url = "ftp://{{.hosts.server.name}}/%s%s"\noutput = "%s"\n' "$here" "$2" "$2" >>commands ;;
		put) printf 'url = "ftp://{{.hosts.server.name}}/%s%s"\nupload-file = "/srv/files/%s"\n' "$here" "$2" "$2" >>commands ;;
		cd) if [ "$2" = .. ]; then here=; else here=$2/; fi; continue ;;
		delete) printf 'url = "ftp://{{.hosts.server.name}}/"\nquote = "DELE %s%s"\nhead\n' "$home$here" "$2" >>commands ;;
		mkdir) printf 'url = "ftp://{{.hosts.server.name}}/"\nquote = "MKD %s"\nhead\n' "$home$2" >>commands ;;
		rename) printf 'url = "ftp://{{.hosts.server.name}}/"\nquote = "RNFR %s"\nquote = "RNTO %s"\nhead\n' "$home$2" "$home$3" >>commands ;;
		chmod) printf 'url = "ftp://{{.hosts.server.name}}/"\nquote = "SITE CHMOD %s %s"\nhead\n' "$2" "$home$3" >>commands ;;
		rmdir) printf 'url = "ftp://{{.hosts.server.name}}/"\nquote = "RMD %s"\nhead\n' "$home$2" >>commands ;;
		esac
		# every transfer has its own options; the control connection stays
		printf 'next\nuser = "%s:%s"\n' "$user" "$password" >>commands
		printf '%s\n' {{if eq .params.mode "active"}}'ftp-port = "-"'{{else}}ftp-pasv{{end}} {{if eq .params.tls "yes"}}ssl-reqd 'cacert = "/etc/ssl/lab.pem"'{{end}} >>commands
	done
	# the last "next" and its options have no transfer
	awk '{ line[NR] = $0 } /^next$/ { last = NR } END { for (i = 1; i < last; i++) print line[i] }' commands >config
	fetch -K config || true
}
{{- end}}
EXPECT_NO_WORK={{if eq .failure "wrong-password" "data-refused"}}1{{end}}

# answered CODES: has the server given one of these answers? A list has numbers too, as sizes of files.
answered() { grep -Eq "^(< |<--- )?($1)[ -]" answers; }

# report: what the server's answers say
report() {
	cat answers
	if answered 530; then
		outcome login=denied
		return
	elif ! answered 230; then
		outcome login=failed
		return
	elif [ "$EXPECT_NO_WORK" ]; then
		outcome login="$(answered '550|500|502|501|425' && echo no-data || echo ok)"
		return
	fi
	outcome login=ok
	outcome result="$(answered '55[0-9]' && echo failed || echo ok)"
}

# same: files that were got and are as they should be
same() {
	n=0
	for name in $(cat /root/names); do
		if cmp -s "$name" "/srv/files/$name"; then n=$((n + 1)); fi
	done
	outcome same=$n
}

each() { sed "s/^/$1:/" /root/names; }
