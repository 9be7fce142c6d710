[ "$FAILURE" != none ] || cp -a "/srv/$SHARE" /tmp/before
await done
outcome left="$(ls "$HOST_ROOT/srv/$SHARE")"
# The next time finds the files again.
if [ "$FAILURE" = none ]; then
	find "$HOST_ROOT/srv/$SHARE" -mindepth 1 -delete
	cp -a /tmp/before/. "$HOST_ROOT/srv/$SHARE"
fi
