# Fetch the first page of every site.
. /usr/local/lib/lab/visit.sh
sed "s,.*,$protocol://www.&.test/," /root/domains >/tmp/addresses
phase visit
visit /var/cache/sites --force-directories -i /tmp/addresses
report
outcome files="$(find . -type f | wc -l)"
different=0
while read -r domain; do
	cmp -s "www.$domain.test/index.html" "/srv/sites/www.$domain.test/index.html" || different=$((different + 1))
done </root/domains
outcome content="$([ $different = 0 ] && echo same || echo "$different different")"
