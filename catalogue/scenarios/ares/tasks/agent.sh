# An agent, until it is told to exit. What it was told to fetch must be what the server has.
. /usr/local/lib/lab/agent.sh
(agent)
fetched=/srv/papers/$TOOL.bin
if [ -e "$fetched" ]; then
	[ "$(sha256sum <"$fetched" | cut -d' ' -f1)" = "$(cat /root/expected)" ]
	outcome file=same
else
	outcome file=none
fi
