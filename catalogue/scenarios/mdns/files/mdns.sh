# join: the client joins the network, and its daemon is ready
join() {
	{{- if ne .caching "warm"}}
	phase settle
	sleep "$LATER"
	phase join
	mkfifo daemon
	avahi-daemon --no-drop-root --no-chroot --no-rlimits -f /etc/avahi/lab.conf >daemon 2>&1 &
	daemon=$!
	trap 'kill $daemon; wait $daemon || true' EXIT # it joins once more the next time
	exec 3<daemon
	while IFS= read -r line <&3; do
		echo "$line"
		case $line in "Server startup complete"*) break ;; esac
	done
	cat <&3 &
	{{- end}}
	phase ask
}
