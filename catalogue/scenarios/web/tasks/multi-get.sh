# Fetch a page and its objects.
. /usr/local/lib/client.sh
error=0
mkdir /tmp/site
cd /tmp/site
phase requests
case $IMPLEMENTATION-$CONNECTIONS in
curl-one) curl -K /etc/web/objects.curl >/tmp/summary || error=$? ;;
curl-parallel) curl --parallel --parallel-max "$PARALLEL" -K /etc/web/objects.curl >/tmp/summary || error=$? ;;
curl-each)
	if [ "$CACHING" != none ]; then
		# One process, which remembers the session for its next connections. A handshake that
		# resumes it has no certificate.
		curl -v -H 'Connection: close' -K /etc/web/objects.curl >/tmp/summary 2>/tmp/trace || error=$?
		cat /tmp/trace
		outcome resumed="$(($(grep -c 'TLS handshake, Client hello' /tmp/trace) - $(grep -c 'TLS handshake, Certificate (11)' /tmp/trace)))"
	else
		while read -r object; do
			curl -w '%{num_connects} %{http_version}\n' --create-dirs -o ".${object%/}$([ "$object" != / ] || echo /index.html)" "$site$object" || error=$?
		done </etc/web/objects >/tmp/summary
	fi
	;;
wget-one) sed "s,^,$site," /etc/web/objects | wget -x -nH -i - 2>/tmp/wget || error=$? ;;
wget-each) sed "s,^,$site," /etc/web/objects | wget --no-http-keep-alive -x -nH -i - 2>/tmp/wget || error=$? ;;
quic-go-one)
	sed "s,^,$site," /etc/web/objects >/tmp/objects
	emulate http3 --ca /etc/ssl/lab.pem --folder . $(cat /tmp/objects) >/tmp/answers 2>/tmp/quic || error=$?
	cat /tmp/quic
	awk '{ print (NR == 1), $2 }' /tmp/answers >/tmp/summary
	;;
wget-parallel) sed "s,^,$site," /etc/web/objects | xargs -n 1 -P "$PARALLEL" wget -a /tmp/wget -x -nH || error=$? ;;
esac
if [ "$IMPLEMENTATION" = wget ]; then
	cat /tmp/wget
	read_wget
	connections=$(grep -c '^Connecting to' /tmp/wget)
else
	connections=$(awk '{ n += $1 } END { print n }' /tmp/summary)
	http=$(awk 'END { print $2 }' /tmp/summary)
fi
outcome http="$http"
outcome reason="$(reason)"
outcome objects="$(($(find . -type f | wc -l) - 1))"
outcome content="$(diff -r . /srv/site >/dev/null && echo same || echo different)"
outcome connections="$connections"
