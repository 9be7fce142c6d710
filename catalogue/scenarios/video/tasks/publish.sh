# Publish until the viewer has watched enough.
phase publish
await ready
case $TASK in
dash) broadcast dash 3>/dev/null & ;;
*) broadcast hls 3>/dev/null & ;;
esac
await watched
kill -INT $!
wait $! || true
