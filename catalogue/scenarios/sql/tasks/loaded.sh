. /usr/local/lib/lab/sql.sh
await done
outcome sha256="$(sql 'SELECT * FROM orders ORDER BY id' | sha256sum | cut -d' ' -f1)"
