# Log in, then go where the script is.
. /usr/local/lib/lab/browse.sh
await planted
phase login
log_in
outcome welcomed="$welcomed"
case $TASK in
stored)
	phase read
	get "http://$WEB_NAME/guestbook.php" guestbook >/dev/null
	;;
reflected)
	phase lure
	get "http://$ATTACKER_ADDRESS/" lure >/dev/null
	phase read
	press a found
	;;
esac
signal visited
