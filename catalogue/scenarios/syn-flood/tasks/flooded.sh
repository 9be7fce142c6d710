# What the server's kernel says of the flood: half-open connections at its end, and SYN cookies sent.
[ "$COOKIES" = true ] || echo 0 >/proc/sys/net/ipv4/tcp_syncookies
signal ready
await over
outcome half_open="$(ss -Hnt state syn-recv | wc -l)"
# a line of names, then one of values
outcome cookies_sent="$(awk '$1 == "TcpExt:" { if (!split(names, name)) names = $0; else for (i in name) if (name[i] == "SyncookiesSent") print $i }' /proc/net/netstat)"
