# Fetch the page before, while the attacker is between, and after.
if [ "$FAILURE" = static ]; then
	curl -s -o /dev/null "http://$SERVER_NAME/" || true
	ip neigh replace "$SERVER_ADDRESS" lladdr "$(ip neigh show "$SERVER_ADDRESS" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')" dev eth0 nud permanent
fi
# visits NAME: so many, and whose hardware address the kernel has then.
visits() {
	phase "$1"
	pages=0
	for i in $(seq "$VISITS"); do
		size=$(curl -sS --max-time 10 -o /dev/null -w '%{size_download}' --user "$USER:$PASSWORD" "http://$SERVER_NAME/" || true)
		[ "$size" != "$PAGE_SIZE" ] || pages=$((pages + 1))
		sleep "$THINK"
	done
	outcome "pages_$1=$pages"
	mac=$(ip neigh show "$SERVER_ADDRESS" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')
	other=$(ip neigh show "$ATTACKER_ADDRESS" | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')
	if [ -n "$other" ] && [ "$mac" = "$other" ]; then
		outcome "neighbour_$1=attacker"
	else
		outcome "neighbour_$1=server"
	fi
}
visits before
signal visited
if [ "$TASK" = spoof ]; then
	await between
	visits during
	signal over
	await gone
	visits after
	signal end
fi
