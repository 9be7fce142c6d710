CREATE ROLE {{.params.database}} LOGIN PASSWORD '{{.params.database_password}}';
CREATE DATABASE {{.params.database}} OWNER {{.params.database}};
\connect {{.params.database}} {{.params.database}}
{{- if index .params "accounts"}}
CREATE TABLE accounts (name VARCHAR(64) PRIMARY KEY, email VARCHAR(200) NOT NULL, hash VARCHAR(100) NOT NULL, since TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
\copy accounts (name, email, hash) FROM '/srv/accounts.tsv'
{{- end}}
{{- if or (eq .scenario "sqli") (not (index .params "accounts"))}}
CREATE TABLE orders (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, amount INTEGER NOT NULL, text TEXT NOT NULL);
{{- if ne .task "load"}}
\copy orders FROM '/srv/rows.tsv'
{{- end}}
{{- end}}
{{- if eq .scenario "xss"}}
CREATE TABLE posts (id SERIAL PRIMARY KEY, author VARCHAR(100) NOT NULL, text TEXT NOT NULL);
\copy posts (author, text) FROM '/srv/posts.tsv'
{{- end}}
