# Open a page in the browser, which fetches what it shows; load it again when it is there already.
. /usr/local/lib/browser.sh
phase page
if [ -e /run/browser/gone ]; then
	status=$(reload)
else
	status=$(get "$PROTOCOL://www.$DOMAIN.test:$PORT/")
fi
outcome status="${status:-000}"
outcome http="$(told | sed -n 's/.*"method":"Network.responseReceived".*"type":"Document".*"protocol":"\(http[^"]*\|h[23]\)".*/\1/p' | sed 's,^http/,,; s/^h//')"
set -- $(assets)
outcome objects="$1"
outcome failed="$2"
error=$(sed -n 's/.*"errorText":"\([^"]*\)".*/\1/p' /run/browser/gone)
case $error in
'') outcome reason=none ;;
*_REFUSED) outcome reason=refused ;;
*_CERT_AUTHORITY_INVALID) outcome reason=certificate ;;
*_SSL_VERSION_OR_CIPHER_MISMATCH) outcome reason=handshake ;;
*) outcome reason="$error" ;;
esac
