# See whether the file is gone.
[ "$FAILURE" != none ] || cp -p "/srv/www/uploads/$NAME" /tmp/before
signal marked # what comes now is counted
await deleted
if [ -e "$HOST_ROOT/srv/www/uploads/$NAME" ]; then
	outcome file=there
else
	outcome file=gone
fi
# The next time deletes it again.
[ "$FAILURE" != none ] || cp -p /tmp/before "$HOST_ROOT/srv/www/uploads/$NAME"
