phase fetch
outcome status="$(curl -sS -A "$BROWSER" -o /tmp/file -w '%{http_code}' "http://$SERVER_NAME:$PORT/$TOOL.bin")"
[ "$(sha256sum </tmp/file | cut -d' ' -f1)" = "$(cat /root/expected)" ]
outcome file=same
