. /usr/local/lib/lab/sql.sh
await done
outcome stored="$(sql 'SELECT count(*) FROM orders')"
# The next time adds them again.
sql "DELETE FROM orders WHERE id > $ROWS" >/dev/null
