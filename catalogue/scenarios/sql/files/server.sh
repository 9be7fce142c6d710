# sql STATEMENT: what the database itself says, values of a row with tabs between them
{{- if eq .implementations.server "mariadb"}}
sql() { mariadb --socket=/run/mysqld/mysqld.sock -u root -N -B -e "$1" {{.params.database}}; }
{{- else}}
sql() { /usr/lib/postgresql/15/bin/psql -U postgres -AtF "$(printf '\t')" -c "$1" {{.params.database}}; }
{{- end}}
