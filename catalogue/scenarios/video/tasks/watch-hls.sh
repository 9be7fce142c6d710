# Watch over HLS for a time.
. /usr/local/lib/lab/watch.sh
await cut
phase watch
url=http://$SERVER_NAME/hls/$NAME.m3u8
case $IMPLEMENTATION in
ffmpeg)
	case $RENDITION in low) n=0 ;; middle) n=1 ;; high) n=2 ;; esac
	ffmpeg -nostdin -hide_banner -i "$url" -t "$LENGTH" -map 0:p:$n -c copy /root/watched.ts || true
	report "$(frames /root/watched.ts)"
	;;
gstreamer)
	wanted=$(awk -v n="$LENGTH $FRAMES" 'BEGIN { split(n, f); print int(f[1] * f[2]) }')
	got=$(gst-launch-1.0 -v urisourcebin parse-streams=true uri="$url" ! video/x-h264 ! identity name=picture eos-after="$wanted" silent=false ! fakesink sync=true |
		grep -c 'GstIdentity:picture: last-message = chain' || true)
	report "$got"
	;;
esac
signal watched
