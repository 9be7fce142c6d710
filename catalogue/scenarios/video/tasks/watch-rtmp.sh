# Watch over RTMP until the stream ends.
. /usr/local/lib/lab/watch.sh
case $TASK in
live) await ready ;;
late) await half ;;
esac
phase watch
url=rtmp://$SERVER_NAME/live/$NAME
case $IMPLEMENTATION in
ffmpeg) ffmpeg -nostdin -hide_banner -i "$url" -c copy /root/watched.flv || true ;;
rtmpdump) rtmpdump --live -r "$url" -o /root/watched.flv || true ;;
esac
report "$(frames /root/watched.flv)"
