# What the server's kernel counts: segments that it dropped, or answered with SYN cookies, as the queue was full.
signal ready
await over
ss -Hnt state syn-recv | wc -l
# a line of names, then one of values
count() {
	awk -v name="$1" '$1 == "TcpExt:" { if (!names) names = split($0, list); else for (i in list) if (list[i] == name) print $i }' /proc/net/netstat
}
outcome dropped="$(count ListenDrops)"
outcome cookies_sent="$(count SyncookiesSent)"
