# Crawl once before, for the crawler's cache.
. /usr/local/lib/lab/crawl.sh
crawl /var/cache/first
