# An agent that has become idle when the operator comes.
. /usr/local/lib/lab/agent.sh
agent_until idle
signal "agent-$INDEX"
await operator-done
kill $!
wait $!
outcome agent=idle
