#!/bin/sh
# Stores and deletes files for a server that cannot do it itself, answering as the others do.
file=/srv/www/uploads/${REQUEST_URI##*/}
case $REQUEST_METHOD in
PUT)
	status='201 Created'
	[ ! -e "$file" ] || status='204 No Content'
	head -c "$CONTENT_LENGTH" >"$file"
	;;
DELETE)
	status='204 No Content'
	rm "$file" 2>/dev/null || status='404 Not Found'
	;;
esac
printf 'Status: %s\r\n\r\n' "$status"
