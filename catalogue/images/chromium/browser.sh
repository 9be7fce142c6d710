# Shell functions that drive the page of a running browser (browser(1) of this image). It is asked by Chrome's DevTools
# protocol over two pipes: what it answers and tells of by itself is a line each in /dev/shm/said.

# What the browser and those who drive it have in common: its pipe, and how often it was asked. All else in /run/browser is the
# script's own.
common=${HOST_ROOT:-}/run/browser

# ask METHOD [PARAMETERS]: has the browser do something, and prints its answer.
ask() {
	ask_id=$(($(cat $common/asked) + 1))
	echo $ask_id >$common/asked
	ask_parameters=${2:-'{}'}
	printf '{"id":%d,%s"method":"%s","params":%s}\0' $ask_id "$(cat $common/session)" "$1" "$ask_parameters" >$common/in
	tail -n +1 -f /dev/shm/said | grep -m 1 "^{\"id\":$ask_id,"
}

# evaluate EXPRESSION: prints the value of an expression of JavaScript (which has no double quotes or backslashes).
evaluate() {
	ask Runtime.evaluate "{\"returnByValue\":true,\"expression\":\"String($1)\"}" |
		sed 's/.*"value":"\(.*\)"}},"sessionId":.*/\1/; s/\\u003C/</g; s/\\"/"/g; s/\\t/\t/g; s/\\n/\n/g; s/\\\\/\\/g'
}

# remember: from here on counts what the browser tells of.
remember() {
	wc -l </dev/shm/said >/run/browser/mark
}

# told: prints what the browser has told since then.
told() {
	tail -n "+$(($(cat /run/browser/mark) + 1))" "$@" /dev/shm/said
}

# shown EVENT [FILE]: waits until the browser tells of the event that a page is loaded with all that belongs to it, and prints
# the page's status; FILE is what the page then is.
shown() {
	told -f | grep -q -m 1 "$1"
	if [ $# = 2 ]; then
		evaluate "document.contentType == 'text/plain' ? document.body.textContent : document.documentElement.outerHTML" | head -c -1 >"$2"
	fi
	told | grep '"method":"Network.responseReceived".*"type":"Document"' | sed -n 's/.*"status":\([0-9]*\),.*/\1/p' | tail -n 1
}

# get URL [FILE]: goes to a page, and prints its status. The browser's answer is in /run/browser/gone.
get() {
	remember
	ask Page.navigate "{\"url\":\"$1\"}" >/run/browser/gone
	shown '"method":"Page.lifecycleEvent".*"loaderId":"'"$(sed 's/.*"loaderId":"\([^"]*\)".*/\1/' /run/browser/gone)"'","name":"load"' ${2:+"$2"}
}

# reload [FILE]: loads the page again, and prints its status. The browser asks whether the page has changed, and of what
# belongs to it only about that which is no longer fresh.
reload() {
	remember
	ask Page.reload >/run/browser/gone
	shown '"method":"Page.loadEventFired"' ${1:+"$1"}
}

# assets: what came with the page that was shown last; prints how many there were and how many failed.
assets() {
	told | grep '"method":"Network.responseReceived"' | grep -v -e '"type":"Document"' -e '"url":"data:' >/run/browser/assets || true
	echo "$(wc -l </run/browser/assets) $({ grep -v -E '"status":(200|304),' /run/browser/assets; told | grep '"method":"Network.loadingFailed"'; } | wc -l)"
}

# press SELECTOR FILE: presses a button, which leads to a page.
press() {
	remember
	evaluate "document.querySelector('$1').click()" >/dev/null
	shown '"method":"Page.loadEventFired"' "$2" >/dev/null
}

# fill SELECTOR VALUE
fill() {
	evaluate "document.querySelector('$1').value = '$2'" >/dev/null
}

# The first script of an activity finds a browser that has kept nothing of those before.
if [ "${DETGEN_ACTIVITY:-}" ] && [ ! -e /run/browser/begun ]; then
	touch /run/browser/begun
	ask Page.navigate '{"url":"about:blank"}' >/dev/null
	ask Network.clearBrowserCookies >/dev/null
	ask Network.clearBrowserCache >/dev/null
fi
