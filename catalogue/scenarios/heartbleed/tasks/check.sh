await visited
phase check
case $IMPLEMENTATION in
nmap)
	# The plus sign: whatever the port, and the report also when the server is not vulnerable.
	nmap {{if not .network.ipv4}}-6 {{end}}--unprivileged -n -Pn -p "$PORT" --script +ssl-heartbleed --script-args vulns.showall,ssl-heartbleed.protocols=TLSv1.2 "$SERVER_ADDRESS" >/root/said
	case $(sed -n 's/^| *State: //p' /root/said) in
	VULNERABLE) leaks=1 ;;
	"NOT VULNERABLE") leaks=0 ;;
	esac
	;;
emulator)
	emulate heartbleed --server "{{if .network.ipv4}}$SERVER_ADDRESS{{else}}[$SERVER_ADDRESS]{{end}}:$PORT" --length 16384 --payload 19 >/root/said
	case $(cat /root/said) in
	"leaked "*) leaks=1 ;;
	silent | unsupported) leaks=0 ;;
	esac
	;;
esac
cat /root/said
outcome leaks="$leaks"
# Nmap takes the answer without a look at it.
outcome bytes="$(sed -n 's/^leaked //p' /root/said | grep . || echo 0)"
signal over
