# See whether the file is gone.
await deleted
if [ -e "/srv/www/uploads/$NAME" ]; then
	outcome file=there
else
	outcome file=gone
fi
