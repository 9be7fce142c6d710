# Download the first site.
. /usr/local/lib/lab/visit.sh
again=
# by headers first, because wget follows no links of what a 304 answers
[ "$CACHING" != http ] || again='-N --no-if-modified-since'
phase visit
visit /var/cache/sites $again -r -l inf --page-requisites "$protocol://www.$first.test/"
report
outcome files="$(find . -type f | wc -l)"
outcome content="$(diff -r "www.$first.test" "/srv/sites/www.$first.test" >/dev/null && echo same || echo different)"
outcome unchanged="$(grep -c 'Server file no newer' /tmp/wget || true)"
