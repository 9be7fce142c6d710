. /usr/local/lib/lab/irc.sh
connect
signal "connected-$INDEX"
await "connected-$((3 - INDEX))"
converse "$(nick $((3 - INDEX)))"
phase leave
leave
