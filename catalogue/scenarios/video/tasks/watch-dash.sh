# Watch over DASH for a time.
. /usr/local/lib/lab/watch.sh
await cut
phase watch
ffmpeg -nostdin -hide_banner -re -i "http://$SERVER_NAME/dash/$NAME.mpd" -t "$LENGTH" -c copy /root/watched.mp4 || true
report "$(frames /root/watched.mp4)"
signal watched
