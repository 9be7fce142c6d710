# Store a file on the server; put-check.sh looks at it there.
. /usr/local/lib/client.sh
phase request
request PUT "/uploads/$NAME" /srv/file
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
signal stored
