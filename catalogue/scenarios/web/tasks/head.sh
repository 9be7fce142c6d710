# Ask for a file's headers alone.
. /usr/local/lib/client.sh
phase request
request HEAD "$path"
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
outcome bytes="$(sed -n 's/^ *content-length: *\([0-9]*\).*/\1/ip' /tmp/headers /tmp/wget 2>/dev/null | tail -n 1)"
