# Open the pages that are there, one after another, with some time on each.
. /usr/local/lib/client.sh
phase visit
printf '%s' "$PAGES" >/root/pages
opened=0
failed=0
while read -r think word; do
	request GET "/$word"
	if [ "$status" = 200 ]; then
		opened=$((opened + 1))
	else
		failed=$((failed + 1))
	fi
	sleep "$think"
done </root/pages
outcome opened=$opened
outcome failed=$failed
