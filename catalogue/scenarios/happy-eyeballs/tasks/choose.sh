# Get the page, and tell from which family's server it came.
phase request
site=http://www.$DOMAIN.test/
{{- if eq .implementations.client "curl"}}
wait=$HEAD_START
answer=$(curl -sS -o /tmp/page -w '%{http_code} %{remote_ip} %{size_download}' \
	--happy-eyeballs-timeout-ms "$(echo "$HEAD_START" | awk '{ printf "%d", $1 * 1000 }')" "$site" || true)
read -r status from bytes <<END
$answer
END
{{- else if eq .implementations.client "wget"}}
wait=10
wget -S -O /tmp/page "$site" >/tmp/said 2>&1 || true
cat /tmp/said
status=$(sed -n 's,^ *HTTP/[0-9.]* \([0-9]*\).*,\1,p' /tmp/said | tail -n 1)
from=$(sed -n 's/^Connecting to [^|]*|\([^|]*\)|.*connected\.$/\1/p' /tmp/said | tail -n 1)
bytes=$(wc -c </tmp/page)
{{- else}}
. /usr/local/lib/browser.sh
wait=0.3
status=$(get "$site" /tmp/page)
from=$(told | sed -n 's/.*"method":"Network.responseReceived".*"remoteIPAddress":"\[*\([0-9a-f.:]*\)\]*".*/\1/p' | tail -n 1)
bytes=$(told | sed -n 's/.*"method":"Network.dataReceived".*"dataLength":\([0-9]*\),.*/\1/p' | awk '{ n += $1 } END { print n + 0 }')
{{- end}}
chosen=none
case $from in
"$OVER_IPV4_ADDRESS") chosen=ipv4 ;;
"$OVER_IPV6_ADDRESS6") chosen=ipv6 ;;
esac
outcome status="${status:-000}"
outcome bytes="$bytes"
outcome chosen=$chosen
{{- if eq .failure "none"}}
# The neighbour's answer comes late, and then the server's.
outcome as_expected="$(echo "$LAG $wait" | awk -v slow="$SLOW" -v chosen=$chosen '{
	late = slow == "ipv6" ? 2 * $1 : 0
	wanted = late < $2 / 2 ? "ipv6" : late > $2 + 0.2 ? "ipv4" : chosen
	print chosen == wanted ? "yes" : "no, " wanted
}')"
{{- end}}
