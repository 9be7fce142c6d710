await marked
phase send
outcome status="$(curl -sS -A "$BROWSER" -F "file=@/srv/papers/$NAME.doc" -o /tmp/answer -w '%{http_code}' "http://$SERVER_NAME:$PORT/upload")"
signal "sent-$INDEX"
