# What the site's kernel counts: datagrams that no program wants, or segments.
for i in $(seq "$BOT_COUNT"); do
	await "over-$i"
done
# count PROTOCOL NAME: two lines of /proc/net/snmp, of names and of values
count() {
	awk -v protocol="$1:" -v name="$2" '$1 == protocol { if (!names) names = split($0, list); else for (i in list) if (list[i] == name) print $i }' /proc/net/snmp
}
case $TASK in
udp) outcome received="$(count Udp NoPorts)" ;;
*) outcome received="$(count Tcp InSegs)" ;;
esac
