# Fetch a whole site by following its links.
. /usr/local/lib/client.sh
error=0
mkdir -p /var/cache/site
cd /var/cache/site
phase requests
wget ${CACHING:+$([ "$CACHING" = none ] || echo -N)} -r -l inf -nH --page-requisites "$site/" 2>/tmp/wget || error=$?
cat /tmp/wget
read_wget
outcome http="$http"
outcome reason="$(reason)"
outcome files="$(find . -type f | wc -l)"
outcome content="$(diff -r . /srv/site >/dev/null && echo same || echo different)"
outcome unchanged="$(grep -c '304 Not Modified' /tmp/wget || true)"
