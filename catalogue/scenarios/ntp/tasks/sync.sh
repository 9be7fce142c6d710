# Run the daemon until it has chosen a source, or has not in all its patience.
. /usr/local/lib/lab/ntp.sh
phase sync
start
if [ "$FAILURE" = rate-limited ]; then
	wait_for "$kiss"
	outcome kissed="$(grep -q "$kiss" /root/log && echo yes || echo no)"
else
	wait_for "$chosen"
fi
sources >/root/sources
cat /root/sources
set -- $(source </root/sources)
outcome source="${1:-none}"
outcome stratum="${2:-none}"
stop
