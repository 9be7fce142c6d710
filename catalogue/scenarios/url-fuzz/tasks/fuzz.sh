# Search with the tool's own way to put words into addresses. Each function leaves the words that the
# tool reports, with their extensions, in /root/reported.
phase search
site=$PROTOCOL://www.$DOMAIN.test:$PORT
browser='Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:102.0) Gecko/20100101 Firefox/102.0'
# What the page with parameters answers to a name that it does not know.
nothing=100
[ "$AGENT" = browser ] || browser=

ffuf_() {
	set -- -s -w /root/words -t "$PARALLEL" -p "$PAUSE" ${browser:+-H "User-Agent: $browser"}
	case $TASK in
	paths) set -- "$@" -mc 200 -u "$site/FUZZ" ;;
	extensions) set -- "$@" -mc 200 -u "$site/FUZZ" -e ".$(echo "$EXTENSIONS" | sed 's/,/,./g')" ;;
	parameters) set -- "$@" -mc 200 -fs $nothing -u "$site/search?FUZZ=1" ;;
	esac
	ffuf "$@" </dev/null >/root/said 2>&1 || return
	cp /root/said /root/reported
}

wfuzz_() {
	set -- -o raw -z file,/root/words -t "$PARALLEL" -s "$PAUSE" ${browser:+-H "User-Agent: $browser"}
	case $TASK in
	paths) set -- "$@" --sc 200 "$site/FUZZ" ;;
	extensions) set -- "$@" -z "list,$(echo "$EXTENSIONS" | tr , -)" --sc 200 "$site/FUZZ.FUZ2Z" ;;
	parameters) set -- "$@" --hh $nothing "$site/search?FUZZ=1" ;;
	esac
	wfuzz "$@" </dev/null >/root/said 2>&1 || return
	sed -n 's/^.* C=200 .*"\(.*\)".*$/\1/p' /root/said | sed 's/ - /./' >/root/reported
}

gobuster_() {
	mode=dir
	set -- -q -z --no-error -k -w /root/words -t "$PARALLEL" --delay "${PAUSE}s" ${browser:+-a "$browser"}
	case $TASK in
	paths) set -- "$@" -u "$site/" -s 200 -b '' ;;
	extensions) set -- "$@" -u "$site/" -s 200 -b '' -x "$EXTENSIONS" ;;
	parameters)
		mode=fuzz
		set -- "$@" -u "$site/search?FUZZ=1" --exclude-length $nothing -b 404
		;;
	esac
	gobuster "$mode" "$@" </dev/null >/root/said 2>&1 || return
	# each line clears the line of the progress before it
	sed 's/^\r.\[2K//' /root/said | sed -n 's,^/\([^ ]*\) .*Status: 200.*$,\1,p; s,^Found: .*Status=200.*search?\([^=]*\)=1.*$,\1,p' >/root/reported
}

dirb_() {
	set -- "$site/" /root/words -r -S -w -z "$(awk -v s="$PAUSE" 'BEGIN { print int(s * 1000) }')" ${browser:+-a "$browser"}
	case $TASK in
	extensions) set -- "$@" -X ".$(echo "$EXTENSIONS" | sed 's/,/,./g')" ;;
	esac
	dirb "$@" </dev/null >/root/said 2>&1 || return
	tr '\r' '\n' </root/said | sed -n "s,^+ $site/\(.*\) (CODE:200|.*\$,\1,p" >/root/reported
}

: >/root/reported
status=0
"${IMPLEMENTATION}_" || status=$?
tail -c 3000 /root/said
echo "status $status"
sort -u /root/reported >/root/found
sort -u /root/there >/root/known
outcome reported="$(grep -c . /root/found || true)"
outcome right="$(comm -12 /root/found /root/known | grep -c . || true)"
signal searched
