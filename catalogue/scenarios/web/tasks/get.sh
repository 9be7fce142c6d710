# Fetch a file.
. /usr/local/lib/client.sh
phase request
request GET "$path"
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
outcome bytes="$bytes"
outcome content="$(same /tmp/got /srv/file)"
