#!/bin/sh
# A page for those that have the session's cookie; others are sent to fetch it first.
case "$SCRIPT_NAME $HTTP_COOKIE" in
*"/welcome "*)
	printf 'Status: 302 Found\r\nSet-Cookie: session={{.params.token}}; Path=/; Max-Age=3600\r\nLocation: /app/account\r\n\r\n'
	;;
*session={{.params.token}}*)
	printf 'Content-Type: text/html\r\n\r\n'
	cat /srv/account.html
	;;
*)
	printf 'Status: 302 Found\r\nLocation: /app/welcome\r\n\r\n'
	;;
esac
