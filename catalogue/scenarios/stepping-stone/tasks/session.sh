# A session of this host's own with the next.
. /usr/local/lib/lab/session.sh
session stay
leave
outcome login="$(login)"
outcome commands=$answered
if [ "$INDEX" != 0 ]; then
	await "up-$((INDEX - 1))"
	read -r client port server server_port </tmp/link
	outcome "link_$INDEX=chain $INDEX $client:$port $server:$server_port"
fi
