# Fetch the file. Then the agent runs here; when it is told to scan, Nmap scans the inner servers and the agent's answer
# is how many hosts are up.
phase fetch
path=/$FILE.doc
[ "$FAILURE" != not-found ] || path=/old-$FILE.doc
fetched=$(curl -sS -A "$BROWSER" -o /tmp/file -w '%{http_code}' "http://{{if .network.ipv4}}$SERVER_ADDRESS{{else}}[$SERVER_ADDRESS]{{end}}$path")
outcome fetched="$fetched"
if [ "$fetched" != 200 ]; then
	outcome agent=none
	signal over
	exit 0
fi
[ "$(sha256sum </tmp/file | cut -d' ' -f1)" = "$(cat /root/expected)" ]
outcome file=same
mkfifo /tmp/events /tmp/scanned
(
	status=0
	emulate ares-agent --server "http://{{if .network.ipv4}}$SERVER_ADDRESS{{else}}[$SERVER_ADDRESS]{{end}}:$PORT" --user "$USER" --work /srv/papers --interval "${INTERVAL}s" \
		--idle-interval 100ms --failures 5 --scan /tmp/scanned 2>/tmp/complaint || status=$?
	cat /tmp/complaint >&2
	[ $status = 0 ] || ! grep -q 'gave up after 5' /tmp/complaint || echo gave-up
) >/tmp/events &
agent=none
while read -r word rest; do
	echo "$word $rest"
	case "$word $rest" in
	"online "*) agent=online ;;
	"gave-up "*) agent=gave-up ;;
	"order scan")
		set -- -n -vvv "-T$TIMING" -p "$(cat /root/ports)" -oG /srv/papers/scan.txt
		case $SCAN in
		connect) set -- "$@" -sT ;;
		syn) set -- "$@" -sS ;;
		esac
		[ "$RATE" = 0 ] || set -- "$@" --max-rate "$RATE"
		nmap {{if not .network.ipv4}}-6 {{end}}"$@" "$WEB_ADDRESS" "$LOGIN_ADDRESS" "$NAMES_ADDRESS"
		echo "[+] $(grep -c 'Status: Up' /srv/papers/scan.txt || true) hosts up" >/tmp/scanned
		;;
	esac
done </tmp/events
wait
outcome agent=$agent
if [ "$agent" = online ]; then
	# Host: ADDRESS ()	Ports: 22/open/tcp//ssh///, 80/closed/tcp//http///
	sed -n 's/^Host: \([^ ]*\) .*Ports: \([^\t]*\).*$/\1 \2/p' /srv/papers/scan.txt |
		awk '{ address = $1; sub(/^[^ ]* /, ""); n = split($0, ports, ", "); for (i = 1; i <= n; i++) { split(ports[i], f, "/"); print address, f[1], f[2] } }' |
		sort >/root/reported
	sed '/^$/d' /root/known | sort >/root/wanted
	# Lines that only one of the two has, on stderr for whoever looks into a failure.
	diff /root/wanted /root/reported >&2 || true
	outcome up="$(grep -c 'Status: Up' /srv/papers/scan.txt || true)"
	outcome open="$(grep -c ' open$' /root/reported || true)"
	outcome right="$(comm -12 /root/wanted /root/reported | wc -l)"
	outcome wrong="$(comm -13 /root/wanted /root/reported | wc -l)"
fi
signal over
