# Fetch the file; then rounds of a name looked up, a page, a login server's key, and news.
phase fetch
outcome fetched="$(curl -sS -A "$BROWSER" -o /tmp/file -w '%{http_code}' "http://{{if .network.ipv4}}$SERVER_ADDRESS{{else}}[$SERVER_ADDRESS]{{end}}/$FILE.doc")"
[ "$(sha256sum </tmp/file | cut -d' ' -f1)" = "$(cat /root/expected)" ]
outcome file=same
phase work
names=0
pages=0
keys=0
news=0
head -n "$ROUNDS" /root/thinks >/root/rounds
while read -r think; do
	sleep "$think"
	web=$(getent ahosts{{if .network.ipv4}}v4{{else}}v6{{end}} "www.$DOMAIN.test" | awk '{ print $1; exit }')
	[ "$web" != "$WEB_ADDRESS" ] || names=$((names + 1))
	[ "$(curl -sS -A "$BROWSER" -o /dev/null -w '%{size_download}' "http://www.$DOMAIN.test/")" != "$PAGE_SIZE" ] || pages=$((pages + 1))
	if ssh-keyscan -t ed25519 "login.$DOMAIN.test" 2>/root/complaints | grep -q ' ssh-ed25519 '; then
		keys=$((keys + 1))
	fi
	[ "$(curl -sS -A "$BROWSER" -o /dev/null -w '%{http_code}' "http://{{if .network.ipv4}}$SERVER_ADDRESS{{else}}[$SERVER_ADDRESS]{{end}}:$PORT/news.json")" != 200 ] || news=$((news + 1))
	sleep "$INTERVAL"
done </root/rounds
outcome names=$names
outcome pages=$pages
outcome keys=$keys
outcome news=$news
