# Wrong passwords, a pause after each, then the right one.
. /usr/local/lib/lab/web.sh
phase mistype
denied=0
printf '%s' "$MISTAKEN" >mistakes
while read -r think wrong; do
	visit login.php "$USER" "$wrong"
	if [ "$(cat code)" = 403 ]; then
		denied=$((denied + 1))
	fi
	sleep "$think"
done <mistakes
outcome denied=$denied
phase login
visit login.php "$USER" "$PASSWORD"
outcome welcomed="$(grep -q "<h1>Welcome, $USER</h1>" last && echo yes || echo no)"
