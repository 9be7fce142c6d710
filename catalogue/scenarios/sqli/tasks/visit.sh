# Look people up, with some time on each page, then log in.
. /usr/local/lib/lab/web.sh
phase look-up
found=0
printf '%s' "$LOOKUPS" >lookups
while read -r think name; do
	curl -sS -G --data-urlencode "name=$name" -o page "http://$WEB_NAME/people.php"
	if grep -q "<td>$name</td>" page; then
		found=$((found + 1))
	fi
	sleep "$think"
done <lookups
outcome found=$found
phase login
visit enter.php "$USER" "$PASSWORD"
outcome welcomed="$(grep -q "<h1>Welcome, $USER</h1>" last && echo yes || echo no)"
