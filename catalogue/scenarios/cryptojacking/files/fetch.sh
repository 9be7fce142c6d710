# fetch: get the program, or the page with its objects on one connection; prints how many came as they should.
# Where the pool is comes after, in the words that the emulators take.
fetch() {
	site=http://www.$DOMAIN.test
	case $TASK in
	process | wallet)
		curl -sS -o /tmp/program "$site/$FILE"
		sha256sum </tmp/program | cut -d' ' -f1 | grep -cx "$(cat /root/expected)" || true
		;;
	page | chart)
		set --
		while read -r path; do
			set -- "$@" -o /dev/null "$site$path"
		done </root/objects
		curl -sS -A "$BROWSER" -w '%{http_code}\n' "$@" | grep -cx 200 || true
		;;
	esac
}

where() {
	printf '%s\n' "--server={{if .network.ipv4}}$POOL_ADDRESS{{else}}[$POOL_ADDRESS]{{end}}:$PORT" "--name=pool.$DOMAIN.test"
	[ "$TLS" = false ] || echo --ca=/etc/ssl/lab.pem
	case $TASK in
	page | chart) printf '%s\n' --websocket=/proxy "--origin=http://www.$DOMAIN.test" ;;
	esac
}
