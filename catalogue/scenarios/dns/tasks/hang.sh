# Stop the server as if it hung: its socket stays. When the failure is "retry" it goes on after the first question.
server=$(pidof named knotd)
kill -STOP $server
signal hung
await late
if [ "$FAILURE" = retry ]; then
	kill -CONT $server
fi
