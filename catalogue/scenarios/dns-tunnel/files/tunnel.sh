# tunnel: starts iodine and waits until the tunnel is up or will not be. Sets tunnel to up, denied or silent.
# It goes through the resolver (-r) and does not look for what passes (-m).
tunnel() {
	mkfifo /root/said
	lazy=0
	[ "$LAZY" = false ] || lazy=1
	iodine -f -r -P "$PASSWORD" -T "$RECORD" -M "$NAME_LENGTH" -L "$lazy" -m "$FRAGMENT" -I "$INTERVAL" \
		"$RESOLVER_ADDRESS" "$DOMAIN.test" >/root/said 2>&1 &
	iodine=$!
	exec 3</root/said
	tunnel=silent
	while read -r line <&3; do
		echo "$line"
		case $line in
		*"setup complete"*)
			tunnel=up
			break
			;;
		*"Bad password"* | *"BADLOGIN"*) tunnel=denied ;;
		esac
	done
	cat <&3 &
}

# close: ends the tunnel.
close() {
	kill -TERM "$iodine" 2>/dev/null || true
	wait "$iodine" || true
}
