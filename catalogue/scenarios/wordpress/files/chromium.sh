# What the reader does in Chromium. Its page is asked by Chrome's DevTools protocol over two pipes: what it
# answers and tells of by itself is a line each in /dev/shm/said.
site=http://{{.params.site}}.test

# ask METHOD [PARAMETERS]: has the browser do something, and prints its answer.
ask() {
	ask_id=$(($(cat /run/browser/asked) + 1))
	echo $ask_id >/run/browser/asked
	ask_parameters=${2:-'{}'}
	printf '{"id":%d,%s"method":"%s","params":%s}\0' $ask_id "$(cat /run/browser/session)" "$1" "$ask_parameters" >/run/browser/in
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

# shown FILE: waits until a page is loaded with all that belongs to it; prints its status.
shown() {
	told -f | grep -q -m 1 '"method":"Page.loadEventFired"'
	evaluate "document.contentType == 'text/plain' ? document.body.textContent : document.documentElement.outerHTML" | head -c -1 >"$1"
	told | grep '"method":"Network.responseReceived".*"type":"Document"' | sed -n 's/.*"status":\([0-9]*\),.*/\1/p' | tail -n 1
}

# get URL FILE: goes to a page; prints its status.
get() {
	remember
	ask Page.navigate "{\"url\":\"$1\"}" >/dev/null
	shown "$2"
}

# assets: what came with the page that was got last; prints how many there were and how many failed.
assets() {
	told | grep '"method":"Network.responseReceived"' | grep -v -e '"type":"Document"' -e '"url":"data:' >/root/assets || true
	echo "$(wc -l </root/assets) $({ grep -v -E '"status":(200|304),' /root/assets; told | grep '"method":"Network.loadingFailed"'; } | wc -l)"
}

# press SELECTOR FILE: presses a button, which leads to a page.
press() {
	remember
	evaluate "document.querySelector('$1').click()" >/dev/null
	shown "$2" >/dev/null
}

# fill SELECTOR VALUE
fill() {
	evaluate "document.querySelector('$1').value = '$2'" >/dev/null
}

# log_in PASSWORD: prints ok or denied.
log_in() {
	get "$site/wp-login.php" /root/login >/dev/null
	fill '#user_login' "$USER"
	fill '#user_pass' "$1"
	press '#wp-submit' /root/dashboard
	if grep -q 'id="wpadminbar"' /root/dashboard; then echo ok; else echo denied; fi
}

# comment POST FILE: comments on a post, which was got before; FILE is what is shown then.
comment() {
	fill '#comment' "$COMMENT"
	# a writer who is logged in has a name
	if [ "$(evaluate "!!document.querySelector('#author')")" = true ]; then
		fill '#author' "$AUTHOR"
		fill '#email' "$AUTHOR@$AUTHOR.test"
	fi
	press '#submit' "$2"
}

# upload FILE
upload() {
	get "$site/wp-admin/media-new.php?browser-uploader" /root/uploader >/dev/null
	field=$(ask Runtime.evaluate "{\"expression\":\"document.querySelector('#async-upload')\"}" | sed 's/.*"objectId":"\([^"]*\)".*/\1/')
	ask DOM.setFileInputFiles "{\"files\":[\"$1\"],\"objectId\":\"$field\"}" >/dev/null
	press '#html-upload' /root/library
}
