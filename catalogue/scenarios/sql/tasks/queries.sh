. /usr/local/lib/lab/sql.sh
phase login
sql <queries.sql >answers
outcome selected="$(wc -l <answers)"
signal done
