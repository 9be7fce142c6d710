# Send a file to a program of the server, which answers with the size and hash of what it got.
. /usr/local/lib/client.sh
phase request
request POST /app/post /srv/file
read -r size hash rest </tmp/got || true
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
outcome bytes="$size"
outcome content="$(echo "$hash  /srv/file" | sha256sum --check --status && echo same || echo different)"
