# Go on with a download whose beginning is there from before.
. /usr/local/lib/client.sh
head -c "$(awk -v size="$SIZE" -v start="$START" 'BEGIN { n = int(size * start); print n < 1 ? 1 : n < size ? n : size - 1 }')" /srv/file >/tmp/part
before=$(wc -c </tmp/part)
error=0
phase request
case $IMPLEMENTATION in
curl)
	curl -C - -o /tmp/part -w '%{http_code} %{http_version} %{size_download}\n' "$site$path" >/tmp/summary || error=$?
	read -r status http bytes </tmp/summary
	;;
wget)
	wget -c -O /tmp/part "$site$path" 2>/tmp/wget || error=$?
	cat /tmp/wget
	read_wget
	bytes=$(($(wc -c </tmp/part) - before))
	;;
quic-go)
	quic_request --range "$before-" "$site$path"
	cat /tmp/got >>/tmp/part
	;;
esac
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
outcome rest="$((bytes + before))"
outcome content="$(same /tmp/part /srv/file)"
