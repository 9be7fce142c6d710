#!/bin/sh
# Sends the stream in pieces at its rate. Its length is not told, so HTTP/1.1 sends chunks.
piece={{.params.piece}} rest={{.params.size}}
us=$((piece * 8 * 1000000 / {{.params.rate}}))
pause=$(printf '%d.%06d' $((us / 1000000)) $((us % 1000000)))
printf 'Content-Type: application/octet-stream\r\n\r\n'
exec 3</srv/stream
head -c $piece <&3
rest=$((rest - piece))
while [ $rest -gt 0 ]; do
	sleep "$pause"
	head -c $piece <&3
	rest=$((rest - piece))
done
