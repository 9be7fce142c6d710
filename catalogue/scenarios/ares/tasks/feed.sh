# A visitor asks again and again whether the feed has changed.
phase feed
fetched=0
unchanged=0
for i in $(seq "$VISITS"); do
	[ "$i" = 1 ] || sleep "$INTERVAL"
	changed=
	[ -e /tmp/feed ] && changed="-z /tmp/feed"
	case $(curl -sS -A "$BROWSER" -R $changed -o /tmp/feed.new -w '%{http_code}' "http://$SERVER_NAME:$PORT/feed.json") in
	200) fetched=$((fetched + 1)); mv /tmp/feed.new /tmp/feed ;;
	304) unchanged=$((unchanged + 1)) ;;
	esac
done
outcome fetched=$fetched
outcome unchanged=$unchanged
