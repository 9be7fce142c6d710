# Compare what the client stored with what it had.
await stored
if cmp -s "/srv/www/uploads/$NAME" /srv/file; then
	outcome content=same
else
	outcome content=different
fi
# The next time stores it anew.
rm -f "$HOST_ROOT/srv/www/uploads/$NAME"
