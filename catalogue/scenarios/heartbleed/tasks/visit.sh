# Visits, each on a connection of its own: the pages, then a login.
phase visit
site="https://www.$DOMAIN.test:$PORT"
logins=0
pages=0
while read -r think; do
	sleep "$think"
	set --
	while read -r path; do
		set -- "$@" -o /dev/null "$site$path"
	done </root/paths
	curl -sS --cacert /etc/ssl/lab.pem -w '%{http_code}\n' "$@" \
		--next -sS --cacert /etc/ssl/lab.pem -w '\n%{http_code} login\n' --data "user=$USER&password=$PASSWORD" "$site/login" >/root/said
	cat /root/said
	pages=$((pages + $(grep -c '^200$' /root/said || true)))
	if grep -q '^200 login$' /root/said && grep -q '^welcome$' /root/said; then
		logins=$((logins + 1))
	fi
done </root/pauses
outcome pages=$pages
outcome logins=$logins
signal visited
