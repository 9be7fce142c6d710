# Look names up, read the page on every web port, ask for the login server's key.
phase visit
names=0
pages=0
keys=0
while read -r think; do
	sleep "$think"
	web=$(getent ahosts{{if .network.ipv4}}v4{{else}}v6{{end}} "www.$DOMAIN.test" | awk '{ print $1; exit }')
	[ "$web" != "$WEB_ADDRESS" ] || names=$((names + 1))
	login=$(getent ahosts{{if .network.ipv4}}v4{{else}}v6{{end}} "login.$DOMAIN.test" | awk '{ print $1; exit }')
	[ "$login" != "$LOGIN_ADDRESS" ] || names=$((names + 1))
	for port in $(cat /root/web-ports); do
		size=$(curl -sS -o /dev/null -w '%{size_download}' "http://www.$DOMAIN.test:$port/")
		[ "$size" != "$PAGE_SIZE" ] || pages=$((pages + 1))
	done
	if ssh-keyscan -t ed25519 "login.$DOMAIN.test" 2>/root/complaints | grep -q ' ssh-ed25519 '; then
		keys=$((keys + 1))
	fi
done </root/pauses
outcome names=$names
outcome pages=$pages
outcome keys=$keys
