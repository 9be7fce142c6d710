# Wrong passwords, a pause after each, then the right one.
. /usr/local/lib/client.sh
phase mistype
path=/members/$NAME
denied=0
printf '%s' "$MISTAKEN" >/root/mistakes
while read -r think wrong; do
	login=$USER:$wrong
	request GET "$path"
	if [ "$status" = 401 ]; then
		denied=$((denied + 1))
	fi
	sleep "$think"
done </root/mistakes
outcome denied=$denied
phase request
login=$USER:$PASSWORD
request GET "$path"
outcome status="$status"
outcome bytes="$bytes"
