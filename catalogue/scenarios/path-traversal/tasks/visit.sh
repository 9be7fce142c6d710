# Open the pages one after another, with some time on each.
. /usr/local/lib/lab/ask.sh
phase visit
printf '%s' "$PAGES" >pages
right=0
while read -r think name; do
	if [ "$(get "$(page "$name.html")")" = 200 ] && grep -q "^$(sha256sum <body | cut -d' ' -f1) $name\$" known; then
		right=$((right + 1))
	fi
	sleep "$think"
done <pages
outcome right=$right
