# Fetch a file that the client has from before, if it has changed since.
. /usr/local/lib/client.sh
cd /var/cache/web
error=0
phase request
case $IMPLEMENTATION-$CACHING in
curl-modified-since) curl_again --time-cond "$NAME" ;;
curl-etag) curl_again --etag-compare etag ;;
wget-*)
	wget -N "$site$path" 2>/tmp/wget || error=$?
	cat /tmp/wget
	read_wget
	bytes=0
	;;
esac
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
outcome bytes="$bytes"
outcome content="$(same "$NAME" /srv/file)"
