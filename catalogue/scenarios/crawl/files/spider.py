"""Goes through the sites, by their links or their sitemaps, and stores what it gets."""

import json
import random
from pathlib import Path
from urllib.parse import urlsplit

import scrapy

{{- $domains := made "sites" "domain"}}

# Scrapy draws its delays from Python's generator.
random.seed("{{index $domains 0}}")


class Spider(scrapy.spiders.SitemapSpider):
    name = "lab"
    allowed_domains = ["test"]
    custom_settings = {
        "ROBOTSTXT_OBEY": True,
        "TELNETCONSOLE_ENABLED": False,
        "DOWNLOADER_MIDDLEWARES": {"scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None},
        "DOWNLOADER_CLIENTCONTEXTFACTORY": "scrapy.core.downloader.contextfactory.BrowserLikeContextFactory",
        "REQUEST_FINGERPRINTER_IMPLEMENTATION": "2.7",
        "DOWNLOAD_TIMEOUT": {{.params.patience}},
        "CONCURRENT_REQUESTS_PER_DOMAIN": {{.params.concurrency}},
        "RETRY_TIMES": {{.params.retries}},
{{- if ne .task "sitemap"}}
        "DEPTH_LIMIT": {{.params.depth}},
{{- end}}
        # First in, first out: breadth first.
        "DEPTH_PRIORITY": 1,
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
{{- if eq .params.agent "own"}}
        "USER_AGENT": "{{index $domains 0}}bot/1.0 (+{{.params.protocol}}://www.{{index $domains 0}}.test/)",
{{- else if eq .params.agent "firefox-linux"}}
        "USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0",
{{- end}}
{{- if eq .task "polite"}}
        "DOWNLOAD_DELAY": {{.params.delay}},
{{- end}}
{{- if eq .caching "stored" "http"}}
        "HTTPCACHE_ENABLED": True,
        "HTTPCACHE_DIR": "/var/cache/scrapy",
{{- end}}
{{- if eq .caching "http"}}
        # By the rules of HTTP, and nothing is fresh enough to be taken unasked.
        "HTTPCACHE_POLICY": "scrapy.extensions.httpcache.RFC2616Policy",
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en",
            "Cache-Control": "max-age=0",
        },
{{- end}}
    }
{{- if eq .task "sitemap"}}
    sitemap_urls = [
{{- range $domains}}
        "{{$.params.protocol}}://www.{{.}}.test/robots.txt",
{{- end}}
    ]
{{- else}}

    def start_requests(self):
        yield scrapy.Request("{{.params.protocol}}://www.{{index $domains 0}}.test/")
{{- end}}

    def parse(self, response):
        """Stores a page, and goes on to what it links to and shows."""
        self.store(response)
{{- if ne .task "sitemap"}}
        for link in response.css("a::attr(href)"):
            yield response.follow(link)
{{- end}}
{{- if eq .params.scope "all"}}
        for thing in response.css("img::attr(src), script::attr(src), link::attr(href)"):
            yield response.follow(thing, self.store)
{{- end}}

    def store(self, response):
        """Puts what was got into a file named as on the site."""
        url = urlsplit(response.url)
        path = url.path + ("index.html" if url.path.endswith("/") else "")
        file = Path(url.netloc + path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(response.body)

    def closed(self, reason):
        """Writes down what Scrapy counted."""
        with open("/tmp/stats.json", "w") as file:
            json.dump(self.crawler.stats.get_stats(), file, indent=1, sort_keys=True, default=str)
