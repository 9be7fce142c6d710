# Do the task's business once before, so that the client remembers it.
. /usr/local/lib/client.sh
case $IMPLEMENTATION-$TASK in
curl-get)
	mkdir -p /var/cache/web
	cd /var/cache/web
	curl --remote-time --etag-save etag -o "$NAME" "$site$path"
	;;
wget-get)
	mkdir -p /var/cache/web
	cd /var/cache/web
	wget "$site$path"
	;;
wget-recursive)
	mkdir -p /var/cache/site
	cd /var/cache/site
	wget -r -l inf -nH --page-requisites "$site/"
	;;
curl-session) curl -L -b /var/tmp/cookies -c /var/tmp/cookies -o /dev/null "$site/app/account" ;;
wget-session) wget --save-cookies=/var/tmp/cookies -O /dev/null "$site/app/account" ;;
esac
