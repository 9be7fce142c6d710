# What the scripts of the client have in common.
[ ! -e /etc/ssl/lab.pem ] || export SSL_CERT_FILE=/etc/ssl/lab.pem

# crawl FOLDER: runs the spider, which stores in a folder.
crawl() {
	mkdir -p "$1"
	cd "$1"
	{{- if .network.ipv6}}
	# The usual resolver asks for IPv4 addresses only.
	set -- --set DNS_RESOLVER=scrapy.resolver.CachingHostnameResolver
	{{- end}}
	scrapy runspider {{if .network.ipv6}}"$@" {{end}}/usr/local/lib/lab/spider.py
}

# counted KEY: how often Scrapy counted something; what never happened is not in its list.
counted() {
	n=$(sed -n "s,^ *\"$1\": \([0-9]*\)\,*$,\1,p" /tmp/stats.json)
	echo "${n:-0}"
}
