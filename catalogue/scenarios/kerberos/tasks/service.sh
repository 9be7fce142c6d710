. /usr/local/lib/lab/kerberos.sh
if [ "$CACHING" = none ]; then
	phase ticket
	get_ticket
else
	outcome ticket=ok # from the warm-up
fi
phase service
case $SERVICE_IMPLEMENTATION in
ssh)
	if [ "$(ssh -o PreferredAuthentications=gssapi-with-mic "$USER@$service" id -un)" = "$USER" ]; then
		outcome service=ok
	else
		outcome service=refused
	fi
	;;
web)
	if [ "$(curl -sS --negotiate -u : -o page -w '%{http_code}' "http://$service/")" = 200 ]; then
		outcome service=ok
	else
		outcome service=refused
	fi
	;;
esac
of=$(tickets | grep "/$service@" || true)
outcome of="${of:-none}"
