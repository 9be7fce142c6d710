. /usr/local/lib/lab/sql.sh
[ "$FAILURE" != none ] || sql 'CREATE TABLE earlier AS SELECT name FROM accounts' >/dev/null
await done
outcome stored="$(sql 'SELECT count(*) FROM accounts')"
# The next time registers them again.
[ "$FAILURE" != none ] || sql 'DELETE FROM accounts WHERE name NOT IN (SELECT name FROM earlier); DROP TABLE earlier' >/dev/null
