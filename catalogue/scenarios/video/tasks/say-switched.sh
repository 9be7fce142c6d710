# Say when there are segments of every rendition, and in the end which the viewer has asked for.
. /usr/local/lib/lab/cut.sh
cut /srv/hls 12 # four of each rendition
await watched
outcome switched="$(log video | awk '
	/GET .*_high-[0-9]+\.ts/ { high = 1 }
	/GET .*_(low|middle)-[0-9]+\.ts/ { if (high) down = 1 }
	END { print down ? "down" : "no" }
')"
