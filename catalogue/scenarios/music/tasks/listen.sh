# Hear the radio until it ends: what comes must be sound of the right kind.
await on-air
phase hear
curl --silent --show-error --no-buffer "http://$RADIO_NAME:8000/$MOUNT" | {
	head -c 4 >/root/heard
	signal "hearing-$INDEX"
	cat >>/root/heard
}
size=$(wc -c </root/heard)
echo "heard $size bytes"
frames=$(od -An -v -t x1 -w1 /root/heard | tr -d ' \n' | grep -o fff3 | wc -l) # headers of MPEG-2, layer 3
echo "heard $frames frames"
[ "$frames" -gt 5 ]
[ "$size" -gt 2000 ]
signal "heard-$INDEX"
