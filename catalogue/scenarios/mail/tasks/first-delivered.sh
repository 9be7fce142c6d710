# Wait until the message of the warm-up is delivered.
. /usr/local/lib/lab/server.sh
wait_delivered 1
