# Delete a file of the server; delete-check.sh looks whether it is gone.
. /usr/local/lib/client.sh
target=/uploads/$NAME
[ "$FAILURE" != not-found ] || target=/uploads/no-$NAME
await marked
phase request
request DELETE "$target"
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
signal deleted
