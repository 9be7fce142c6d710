# What the last post is.
. /usr/local/lib/lab/sql.sh
await written
outcome written="$(sql 'SELECT text FROM posts ORDER BY id DESC LIMIT 1')"
