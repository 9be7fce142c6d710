# The first person offers a file, the second one's irssi takes it.
. /usr/local/lib/lab/irc.sh
connect
signal "connected-$INDEX"
await "connected-$((3 - INDEX))"
phase transfer
if [ "$INDEX" = 1 ]; then
	say "dcc send $(nick 2) /srv/$FILE_NAME"
	comes 'DCC CLOSED *'
	outcome sent="${line##* }"
else
	comes 'DCC CLOSED *'
	outcome sha256="$(sha256sum <"received/$FILE_NAME" | cut -d ' ' -f 1)"
fi
phase leave
leave
