. /usr/local/lib/lab/sql.sh
phase load
load_into orders | sql
signal done
