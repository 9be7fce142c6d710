. /usr/local/lib/lab/sql.sh
phase query
if [ "$TASK" = load ]; then
	load_into nothing | sql
else
	echo 'SELECT * FROM nothing;' | sql
fi
outcome error="$(grep -q -e "Table '.*nothing' doesn't exist" -e 'relation "nothing" does not exist' complaints && echo no such table)"
signal done
