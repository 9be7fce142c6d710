\! phase select
{{- $mariadb := eq .implementations.server "mariadb"}}
{{- if .params.prepared}}
{{if $mariadb}}PREPARE one FROM 'SELECT * FROM orders WHERE id = ?';{{else}}PREPARE one(INTEGER) AS SELECT * FROM orders WHERE id = $1;{{end}}
{{- range made "selects" "id"}}
{{if $mariadb}}SET @id = {{.}}; EXECUTE one USING @id;{{else}}EXECUTE one({{.}});{{end}}
{{- end}}
\! phase insert
{{if $mariadb}}PREPARE more FROM 'INSERT INTO orders VALUES (?, ?, ?, ?)';{{else}}PREPARE more(INTEGER, VARCHAR, INTEGER, TEXT) AS INSERT INTO orders VALUES ($1, $2, $3, $4);{{end}}
{{- range $i, $row := made "inserts" "rows"}}{{$id := add $.params.rows (add $i 1)}}
{{if $mariadb}}SET @id = {{$id}}, @name = '{{.name}}', @amount = {{.amount}}, @text = '{{.text}}'; EXECUTE more USING @id, @name, @amount, @text;{{else}}EXECUTE more({{$id}}, '{{.name}}', {{.amount}}, '{{.text}}');{{end}}
{{- end}}
{{- else}}
{{- range made "selects" "id"}}
SELECT * FROM orders WHERE id = {{.}};
{{- end}}
\! phase insert
{{- range $i, $row := made "inserts" "rows"}}
INSERT INTO orders VALUES ({{add $.params.rows (add $i 1)}}, '{{.name}}', {{.amount}}, '{{.text}}');
{{- end}}
{{- end}}
