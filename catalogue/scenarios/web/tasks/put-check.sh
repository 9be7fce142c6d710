# Compare what the client stored with what it had.
await stored
if cmp -s "/srv/www/uploads/$NAME" /srv/file; then
	outcome content=same
else
	outcome content=different
fi
