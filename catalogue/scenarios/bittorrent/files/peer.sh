# peer_start FOLDER: make the program share the published file, of which FOLDER may have something.
# Its log goes through a pipe that tells what a script may have to wait for.
peer_start() {
	make-torrent
	{{if eq .params.discovery "dht"}}known-nodes >/root/transmission/dht.dat{{end}}
	mkfifo /root/log /root/announced /root/complete /root/corrupt /root/left
	exec 3<>/root/announced 4<>/root/complete 5<>/root/corrupt 6<>/root/left
	awk -W interactive '
		function tell(pipe, word) { print word >pipe; close(pipe) }
		# the tracker took it; it is in the hash table; it was shouted into the network
		/Got announce response: connected:1.* err:none/ || /DefaultBtAnnounce.*Interval:/ || /UDPT received ANNOUNCE reply/ ||
		/DHT announce done/ || /Message received: dht response announce_peer/ ||
		/LPD announce message away/ || /Sending LPD message is complete/ { tell("/root/announced", "yes") }
		/Got announce response: connected:1.* err:Req/ || /Tracker returned failure reason/ ||
		/\] Could not connect to tracker/ || /Download aborted.*announce/ { tell("/root/announced", "no") }
		/Sending announce to libcurl.*event=stopped/ { leaving = 1 }
		leaving && /Got announce response/ { tell("/root/left", "yes") }
		/failed its checksum test/ || /we got wrong piece/ { tell("/root/corrupt", "yes") }
		{ print }
	' </root/log &
	case $IMPLEMENTATION in
	transmission)
		cp /root/published.torrent "/root/watch/$NAME.torrent"
		TR_DEBUG_FD=2 transmission-daemon --foreground --config-dir /root/transmission >/root/log 2>&1 &
		;;
	aria2)
		aria2c --dir="$1" --check-integrity=true --seed-ratio=0.0 --file-allocation=none \
			--quiet --log=- --log-level=debug \
			--listen-port="$PORT" --dht-listen-port="$PORT" \
			{{if eq .params.discovery "dht"}}--dht-entry-point={{.hosts.tracker.name}}:{{add .params.port 1}}{{end}} \
			--enable-dht={{or (eq .params.discovery "dht") (eq .params.discovery "udp")}} \
			--bt-enable-lpd={{eq .params.discovery "lpd"}} \
			--enable-peer-exchange={{.params.exchange}} \
			--bt-force-encryption={{eq .params.encryption "required"}} \
			--on-bt-download-complete=/usr/local/bin/complete \
			/root/published.torrent >/root/log 2>&1 &
		;;
	esac
	peer=$!
}

# peer_complete: wait until the program has the whole file.
peer_complete() {
	read -r _ <&4
}

# peer_corrupt: wait until the program has got a piece that is not as the torrent says.
peer_corrupt() {
	read -r _ <&5
}

# peer_announced: wait until others can find this peer; prints yes, or no when it was refused.
peer_announced() {
	read -r answer <&3
	echo "$answer"
}

# peer_stop: end the program as its user would; it takes its leave of the tracker. Transmission does not wait for its web
# client when it ends, so its user pauses the torrent first: a tracker that knows a peer which has left keeps others waiting.
peer_stop() {
	{{- if and (eq .params.discovery "http") (not (eq .failure "tracker-unreachable" "unknown-torrent"))}}
	if [ "$IMPLEMENTATION" = transmission ]; then
		transmission-remote 127.0.0.1 --torrent all --stop >/dev/null
		read -r _ <&6
	fi
	{{- end}}
	kill -INT "$peer"
	wait "$peer" || true
}
