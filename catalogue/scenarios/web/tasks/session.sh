# Open a page that needs a cookie. Without it the server sends the client to where it gets one.
. /usr/local/lib/client.sh
phase request
case $IMPLEMENTATION in
curl) request_with="curl_request -L -b /var/tmp/cookies -c /var/tmp/cookies" ;;
wget) request_with="wget_request --load-cookies=/var/tmp/cookies --save-cookies=/var/tmp/cookies" ;;
esac
error=0
$request_with "$site/app/account"
outcome status="$status"
outcome http="$http"
outcome reason="$(reason)"
outcome redirects="$(cat /tmp/headers /tmp/wget 2>/dev/null | grep -c '^ *HTTP/[0-9.]* 302' || true)"
outcome content="$(same /tmp/got /srv/account.html)"
