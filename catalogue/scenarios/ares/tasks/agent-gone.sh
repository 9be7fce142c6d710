# An agent that is killed when it has said hello.
. /usr/local/lib/lab/agent.sh
agent_until online
kill -KILL $!
status=0
wait $! || status=$?
[ $status = 137 ]
signal "agent-$INDEX"
outcome agent=killed
