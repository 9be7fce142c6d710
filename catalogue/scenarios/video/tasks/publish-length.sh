# Publish a stream of a given length. A viewer may wait for its start, or for its half.
phase publish
if [ "$TASK" = live ]; then await played; fi
mkfifo /root/progress
broadcast live "$LENGTH" 3>/root/progress &
half=no
while IFS== read -r key value; do
	if [ $half = no ] && [ "$key" = out_time_us ] && awk -v t="$value" -v l="$LENGTH" 'BEGIN { exit !(t >= l * 500000) }'; then
		half=yes
		signal half
		if [ "$FAILURE" = publisher-drops ]; then kill -KILL $!; fi
	fi
done </root/progress
wait $! || [ "$FAILURE" = publisher-drops ]
