# A login at the database that must not succeed.
. /usr/local/lib/lab/sql.sh
phase login
echo 'SELECT 1;' | sql
signal done # to the server, which looks into its tables then
