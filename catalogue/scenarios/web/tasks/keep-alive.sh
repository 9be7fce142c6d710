# Fetch a page and its objects over one connection that is idle in between.
. /usr/local/lib/client.sh
error=0
mkdir /tmp/site
cd /tmp/site
phase requests
case $IMPLEMENTATION in
curl)
	# --rate counts from start to start.
	curl --rate "$(awk -v think="$THINK" 'BEGIN { print int(3600 / think) }')/h" -K /etc/web/objects.curl >/tmp/summary || error=$?
	connections=$(awk '{ n += $1 } END { print n }' /tmp/summary)
	http=$(awk 'END { print $2 }' /tmp/summary)
	;;
wget)
	sed "s,^,$site," /etc/web/objects | wget --wait="$THINK" -x -nH -i - 2>/tmp/wget || error=$?
	cat /tmp/wget
	read_wget
	connections=$(grep -c '^Connecting to' /tmp/wget)
	;;
esac
outcome http="$http"
outcome reason="$(reason)"
outcome content="$(diff -r . /srv/site >/dev/null && echo same || echo different)"
outcome connections="$connections"
