# Runs Chromium with an empty page, and says when it can be driven.
mkfifo /run/browser/in /run/browser/out
echo 0 >/run/browser/asked
: >/run/browser/session
stdbuf -oL tr '\0' '\n' </run/browser/out >/dev/shm/said &
{
	. /usr/local/lib/lab/browse.sh
	agent=$(ask Browser.getVersion | sed 's/.*"userAgent":"\([^"]*\)".*/\1/; s/HeadlessChrome/Chrome/')
	page=$(ask Target.getTargets | sed 's/.*"targetId":"\([^"]*\)","type":"page".*/\1/')
	session=$(ask Target.attachToTarget "{\"targetId\":\"$page\",\"flatten\":true}" | sed 's/.*"result":{"sessionId":"\([^"]*\)".*/\1/')
	printf '"sessionId":"%s",' "$session" >/run/browser/session
	# the name of the browser with windows, which this one is otherwise
	ask Network.setUserAgentOverride "{\"userAgent\":\"$agent\"}" >/dev/null
	ask Page.enable >/dev/null
	ask Network.enable >/dev/null
	echo the page is ready
} &
exec /usr/lib/chromium/chromium-headless-shell --remote-debugging-pipe --user-data-dir=/root/profile --no-sandbox --disable-gpu \
	--disable-software-rasterizer --disable-dev-shm-usage --window-size=1280,800 about:blank 3<>/run/browser/in 4>/run/browser/out
