CREATE DATABASE {{.params.database}} CHARACTER SET utf8mb4;
CREATE USER '{{.params.database}}'@'%' IDENTIFIED BY '{{.params.database_password}}';
GRANT ALL ON {{.params.database}}.* TO '{{.params.database}}'@'%';
USE {{.params.database}};
{{- if index .params "accounts"}}
CREATE TABLE accounts (name VARCHAR(64) PRIMARY KEY, email VARCHAR(200) NOT NULL, hash VARCHAR(100) NOT NULL, since TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
LOAD DATA INFILE '/srv/accounts.tsv' INTO TABLE accounts (name, email, hash);
{{- end}}
{{- if or (eq .scenario "sqli") (not (index .params "accounts"))}}
CREATE TABLE orders (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, amount INTEGER NOT NULL, text TEXT NOT NULL);
{{- if ne .task "load"}}
LOAD DATA INFILE '/srv/rows.tsv' INTO TABLE orders;
{{- end}}
{{- end}}
{{- if eq .scenario "xss"}}
CREATE TABLE posts (id INTEGER PRIMARY KEY AUTO_INCREMENT, author VARCHAR(100) NOT NULL, text TEXT NOT NULL);
LOAD DATA INFILE '/srv/posts.tsv' INTO TABLE posts (author, text);
{{- end}}
