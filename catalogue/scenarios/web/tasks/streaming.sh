# Take a stream that a program of the server sends at a rate.
. /usr/local/lib/client.sh
phase stream
start=$(date +%s%N)
request GET /app/stream
took=$((($(date +%s%N) - start) / 1000))
least=$((($(wc -c </srv/file) - PIECE) * 8 * 1000000 / RATE))
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
outcome content="$(same /tmp/got /srv/file)"
outcome paced="$([ $took -ge $least ] && echo yes || echo no)"
