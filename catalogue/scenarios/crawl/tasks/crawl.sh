# Crawl, and compare what was stored with what the sites have.
. /usr/local/lib/lab/crawl.sh
phase crawl
crawl /var/cache/sites
outcome files="$(find . -type f | wc -l)"
different=$(find . -type f ! -exec cmp -s {} /srv/sites/{} \; -print | wc -l)
outcome content="$([ "$different" = 0 ] && echo same || echo "$different different")"
outcome robots="$(counted robotstxt/request_count)"
outcome forbidden="$(counted robotstxt/forbidden)"
outcome retried="$(counted retry/count)"
outcome given-up="$(counted retry/max_reached)"
outcome fetched="$(counted httpcache/store)"
outcome unchanged="$(counted httpcache/revalidate)"
if [ "$TASK" = polite ]; then
	# half the mean delay or more lies between the requests to a site, the first one for robots.txt
	most=$(find . -type f | cut -d / -f 2 | sort | uniq -c | sort -n | tail -n 1)
	took=$(sed -n 's/^ *"elapsed_time_seconds": \([0-9.]*\).*/\1/p' /tmp/stats.json)
	outcome paced="$(echo "$took $DELAY $most" | awk '{ if ($1 >= $2 / 2 * $3) print "yes"; else print "no" }')"
fi
