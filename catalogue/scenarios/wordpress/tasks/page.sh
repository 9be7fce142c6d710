# A post, and all that a browser would show with it.
. /usr/local/lib/lab/browse.sh
phase read
case $FAILURE in
no-such-page) post=99 ;;
*) post=100 ;;
esac
status=$(get "$site/?p=$post" /root/page)
outcome status="$status"
[ "$status" = 200 ] || exit 0
phase assets
grep -o -E "(src|href)=[\"'][^\"']*\.(css|js|jpg|png|svg|ico)(\?[^\"']*)?[\"']" /root/page |
	sed -E "s/^[a-z]*=.//; s/.\$//; s|^/|$site/|; s/&#038;/\&/g" | grep "^$site/" | sort -u >/root/assets
failed=0
while read -r url; do
	case $(asset "$url") in
	200 | 304) ;;
	*) failed=$((failed + 1)) ;;
	esac
done </root/assets
outcome failed=$failed
outcome assets="$(wc -l </root/assets)"
