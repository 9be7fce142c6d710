# Scan, and compare Nmap's report with what is known, a line for each port of each host.
phase scan
set -- -n -vvv "-T$TIMING" -p "$(cat /root/ports)" -oG /root/report
case $TASK in
syn) set -- "$@" -sS ;;
connect) set -- "$@" -sT ;;
udp) set -- "$@" -sU ;;
version) set -- "$@" -sS -sV ;;
esac
[ "$RATE" = 0 ] || set -- "$@" --max-rate "$RATE"
[ "$ORDER" = random ] || set -- "$@" -r
[ "$DISCOVERY" = true ] || set -- "$@" -Pn
case ${EVASION:-none} in
fragment) set -- "$@" -f ;;
source-port) set -- "$@" -g 53 ;;
padding) set -- "$@" --data-length 20 ;;
esac
nmap {{if not .network.ipv4}}-6 {{end}}"$@" "$WEB_ADDRESS" "$LOGIN_ADDRESS" "$NAMES_ADDRESS"
# Host: ADDRESS ()	Ports: 22/open/tcp//ssh//OpenSSH 9.2p1/, 80/closed/tcp//http///
sed -n 's/^Host: \([^ ]*\) .*Ports: \([^\t]*\).*$/\1 \2/p' /root/report |
	awk '{ address = $1; sub(/^[^ ]* /, ""); n = split($0, ports, ", "); for (i = 1; i <= n; i++) { split(ports[i], f, "/"); print address, f[1], f[2] } }' |
	sort >/root/reported
sed '/^$/d' /root/known | sort >/root/wanted
# Lines that only one of the two has, on stderr for whoever looks into a failure.
diff /root/wanted /root/reported >&2 || true
outcome up="$(grep -c 'Status: Up' /root/report || true)"
outcome open="$(grep -c ' open$' /root/reported || true)"
outcome right="$(comm -12 /root/wanted /root/reported | wc -l)"
outcome wrong="$(comm -13 /root/wanted /root/reported | wc -l)"
if [ "$TASK" = version ] && [ "$FAILURE" = none ]; then
	outcome nginx="$(grep -o '/open/tcp//http//nginx' /root/report | wc -l)"
	outcome openssh="$(grep -o '/open/tcp//ssh//OpenSSH' /root/report | wc -l)"
	outcome bind="$(grep -o '/open/tcp//domain//ISC BIND' /root/report | wc -l)"
fi
