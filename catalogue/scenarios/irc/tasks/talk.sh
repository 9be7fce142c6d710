. /usr/local/lib/lab/irc.sh
connect
phase join
if [ "$INDEX" = 1 ]; then
	say "join $channel"
	answered 366
	say "topic $channel $TOPIC"
	comes ":* TOPIC $channel *"
	if [ -n "$key" ]; then
		say "mode $channel +k $key"
		comes ":* MODE $channel +k *"
	fi
	signal open
	for other in $(seq 2 "$PEOPLE"); do comes ':*!* JOIN *'; done
else
	await open
	say "join $channel $key"
	answered 366
fi

converse "$channel"

phase leave
if [ "$INDEX" = 1 ]; then
	left=0
	while [ $left -lt $((PEOPLE - 1)) ]; do
		comes ':*!* QUIT *'
		left=$((left + 1))
	done
	outcome left=$left
fi
leave
