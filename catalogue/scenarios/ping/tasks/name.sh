# Look the target's name up, then send echo requests to the address it gives.
. /usr/local/lib/lab/echo.sh
name=$NAME.$DOMAIN.test
if [ "$FAILURE" = no-such-name ]; then
	name=not-$name
fi
phase lookup
address=$(getent ahosts{{if .network.ipv4}}v4{{else}}v6{{end}} "$name" | awk 'NR == 1 { print $1 }')
outcome address="${address:-none}"
phase echo
if [ -n "$address" ]; then
	echo_to "$address"
else
	outcome sent=0
	outcome replies=0
fi
