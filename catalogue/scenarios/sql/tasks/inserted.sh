. /usr/local/lib/lab/sql.sh
await done
outcome stored="$(sql 'SELECT count(*) FROM orders')"
