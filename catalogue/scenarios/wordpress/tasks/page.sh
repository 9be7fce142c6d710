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
# a browser gets them as it reads the page
[ "$IMPLEMENTATION" = chromium ] || phase assets
set -- $(assets)
outcome assets="$1"
outcome failed="$2"
