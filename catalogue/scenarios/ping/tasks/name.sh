# Look the target's name up, then send echo requests to the address it gives.
name=$NAME.$DOMAIN.test
if [ "$FAILURE" = no-such-name ]; then
	name=not-$name
fi
phase lookup
address=$(getent ahostsv4 "$name" | awk 'NR == 1 { print $1 }')
outcome address="${address:-none}"
phase echo
if [ -n "$address" ]; then
	ping -n -c "$COUNT" -i "$INTERVAL" -s "$SIZE" -W "$PATIENCE" "$address" | tee /tmp/ping || true
	outcome replies="$(sed -n 's/.* \([0-9]*\) received.*/\1/p' /tmp/ping)"
else
	outcome replies=0
fi
