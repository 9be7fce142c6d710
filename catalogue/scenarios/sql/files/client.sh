# Shell functions for the client's scripts: the database's own client.
password={{if eq .failure "wrong-database-password"}}not-{{end}}{{.params.database_password}}
cd /root

# sql ARGUMENT...: log in and do; values of a row come with tabs between them. What goes wrong is
# in the file "complaints"; the login is reported.
sql() {
	status=0
	{{- if eq .implementations.server "mariadb"}}
	mariadb --no-defaults --host="$SERVER_NAME" --user={{.params.database}} --password="$password" \
		{{if .params.tls}}--ssl-ca=/etc/ssl/lab.pem --ssl-verify-server-cert{{end}} \
		--local-infile=1 -N -B --unbuffered {{.params.database}} "$@" 2>complaints || status=$?
	{{- else}}
	PGPASSWORD=$password psql "host=$SERVER_NAME user={{.params.database}} dbname={{.params.database}}{{if .params.tls}} sslmode=verify-full sslrootcert=/etc/ssl/lab.pem{{end}}" \
		--no-psqlrc -q -At -F "$(printf '\t')" "$@" 2>complaints || status=$?
	{{- end}}
	cat complaints >&2
	if grep -q -e 'Access denied' -e 'password authentication failed' complaints; then
		outcome login=denied
	elif [ $status = 0 ] || grep -q -e "doesn't exist" -e 'does not exist' complaints; then
		outcome login=ok
	else
		outcome login="failed with status $status"
	fi
}

# load_into TABLE: the statement, or psql's command, that loads the file
{{- if eq .implementations.server "mariadb"}}
load_into() { echo "LOAD DATA LOCAL INFILE '/root/rows.tsv' INTO TABLE $1"; }
{{- else}}
load_into() { printf '%s\n' "\\copy $1 FROM '/root/rows.tsv'"; }
{{- end}}
