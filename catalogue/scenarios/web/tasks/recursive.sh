# Fetch a whole site by following its links.
. /usr/local/lib/client.sh
error=0
mkdir -p /var/cache/site
cd /var/cache/site
phase requests
# --no-if-modified-since: by headers first, because wget follows no links of what a 304 answers.
again=
[ "$CACHING" = none ] || again='-N --no-if-modified-since'
wget $again -r -l inf -nH --page-requisites "$site/" 2>/tmp/wget || error=$?
cat /tmp/wget
read_wget
outcome http="$http"
outcome reason="$(reason)"
outcome files="$(find . -type f | wc -l)"
outcome content="$(diff -r . /srv/site >/dev/null && echo same || echo different)"
outcome unchanged="$(grep -c 'Server file no newer' /tmp/wget || true)"
