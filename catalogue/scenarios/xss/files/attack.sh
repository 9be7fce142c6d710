# Shell functions for the attacker's scripts.
cd /root
browser='Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:102.0) Gecko/20100101 Firefox/102.0'
[ "$AGENT" = browser ] || browser=
page=http://$WEB_NAME/guestbook.php

# encoded: what comes, for a form
encoded() {
	od -An -v -tx1 | tr -s ' ' '\n' | awk '
		BEGIN { for (i = 33; i < 127; i++) letter[sprintf("%02x", i)] = sprintf("%c", i) }
		NF { printf "%s", letter[$1] ~ /[A-Za-z0-9]/ ? letter[$1] : "%" toupper($1) }'
}

# fetch URL [COOKIE]: prints the page
fetch() {
	case $IMPLEMENTATION in
	curl) curl -s ${browser:+-A "$browser"} ${2:+-b "$2"} "$1" ;;
	wget) wget -q -O - ${browser:+-U "$browser"} ${2:+--header="Cookie: $2"} "$1" ;;
	esac || true
}

# post DATA: sends a form
post() {
	case $IMPLEMENTATION in
	curl) curl -s ${browser:+-A "$browser"} -o /dev/null -d "$1" "$page" ;;
	wget) wget -q -O /dev/null ${browser:+-U "$browser"} --post-data="$1" "$page" ;;
	esac
}
