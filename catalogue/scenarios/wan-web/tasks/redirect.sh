# Ask for the first site's first page by plain HTTP.
. /usr/local/lib/lab/visit.sh
phase visit
visit /var/cache/sites -O page "http://www.$first.test/"
report
outcome redirects="$(grep -c '^ *HTTP/1.1 301' /tmp/wget || true)"
outcome protocol="$(sed -n 's/^--.*-- *\([a-z]*\):.*/\1/p' /tmp/wget | tail -n 1)"
outcome content="$(cmp -s page "/srv/sites/www.$first.test/index.html" && echo same || echo different)"
