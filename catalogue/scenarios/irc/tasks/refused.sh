# The first person comes first; the server refuses the others, a nickname or the channel.
. /usr/local/lib/lab/irc.sh
others=$(seq 2 "$PERSON_COUNT")
if [ "$INDEX" != 1 ]; then await open; fi
connect

if [ "$FAILURE" != nick-in-use ]; then
	phase join
	say "join $channel $key"
	answered 366 474 475
	refused=$answer
fi

if [ "$INDEX" = 1 ]; then
	case $FAILURE in
	wrong-key)
		say "mode $channel +k $key"
		comes ":* MODE $channel +k *"
		;;
	banned)
		for other in $others; do
			say "mode $channel +b $(nick "$other")!*@*"
			comes ":* MODE $channel +b *"
		done
		;;
	esac
	signal open
	for other in $others; do await "done-$other"; done
else
	if [ "$INDEX" = 2 ]; then
		outcome refused="$refused"
		outcome nick="$nick"
	fi
fi

phase leave
leave
if [ "$INDEX" != 1 ]; then signal "done-$INDEX"; fi
