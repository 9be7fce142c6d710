# An agent without a server.
. /usr/local/lib/lab/agent.sh
if (agent) 2>complaint; then
	outcome agent=ended
elif grep -q 'gave up after' complaint; then
	outcome agent=gave-up
fi
cat complaint >&2
