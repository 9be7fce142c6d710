# What the scripts of the client have in common.

site=$PROTOCOL://www.$DOMAIN.test:$PORT

# request METHOD PATH [BODY]: sends one request, with the content of the file BODY, and leaves
# the response's body in /tmp/got. Sets error to the client's exit status; status, http (its
# version) and bytes (of the body) to what was received; status is 000 when nothing was.
request() {
	error=0
	: >/tmp/got
	case $IMPLEMENTATION-$1 in
	curl-GET) curl_request "$site$2" ;;
	curl-HEAD) curl_request --head "$site$2" ;;
	curl-POST) curl_request --data-binary "@$3" "$site$2" ;;
	curl-PUT) curl_request --upload-file "$3" "$site$2" ;;
	curl-*) curl_request --request "$1" "$site$2" ;;
	wget-GET) wget_request "$site$2" ;;
	wget-POST) wget_request --post-file="$3" "$site$2" ;;
	wget-PUT) wget_request --method=PUT --body-file="$3" "$site$2" ;;
	wget-*) wget_request --method="$1" "$site$2" ;;
	quic-go-*) quic_request --method "$1" ${3:+--body "$3"} "$site$2" ;;
	esac
}

quic_request() {
	emulate http3 --ca /etc/ssl/lab.pem ${login:+--login "$login"} --output /tmp/got "$@" >/tmp/summary 2>/tmp/quic || error=$?
	cat /tmp/quic
	read -r status http bytes </tmp/summary
	echo "content-length: $bytes" >/tmp/headers
}

curl_request() {
	curl ${login:+--user "$login"} -D /tmp/headers -o /tmp/got -w '%{http_code} %{http_version} %{size_download}\n' "$@" >/tmp/summary || error=$?
	read -r status http bytes </tmp/summary
}

# curl_again OPTION VALUE: asks for the file unless it is as it was.
curl_again() {
	curl "$@" -o "$NAME" -w '%{http_code} %{http_version} %{size_download}\n' "$site$path" >/tmp/summary || error=$?
	read -r status http bytes </tmp/summary
}

wget_request() {
	wget ${login:+--user="${login%%:*}" --password="${login#*:}"} -O /tmp/got "$@" 2>/tmp/wget || error=$?
	cat /tmp/wget
	read_wget
	bytes=$(wc -c </tmp/got)
}

# read_wget sets status and http from what wget said of the last response.
read_wget() {
	last=$(sed -n 's,^ *HTTP/\([0-9.]*\) \([0-9]*\).*,\2 \1,p' /tmp/wget | tail -n 1)
	status=${last% *} http=${last#* }
	status=${status:-000}
}

# reason says in a word why a client that got no response gave up.
reason() {
	case $IMPLEMENTATION-$error in
	*-0) echo none ;;
	quic-go-*) sed -n '$s/.*: //p' /tmp/quic ;;
	curl-7) echo refused ;;
	curl-35) echo handshake ;;
	curl-60 | wget-5) echo certificate ;;
	curl-18 | curl-52 | curl-55 | curl-56 | curl-92) echo cut ;;
	wget-4)
		if grep -q 'refused' /tmp/wget; then
			echo refused
		elif grep -q 'Unable to establish SSL' /tmp/wget; then
			echo handshake
		else
			echo cut
		fi
		;;
	*) echo "$error" ;;
	esac
}

# same FILE FILE: whether their contents are the same, as an outcome.
same() {
	if cmp -s "$1" "$2"; then echo same; else echo different; fi
}

# What is asked for, and as whom; failures change it.
path=/files/${NAME:-} login=
if [ "${LOGIN:-false}" = true ]; then
	path=/members/$NAME login=$USER:$PASSWORD
fi
case $FAILURE in
not-found) path=/files/no-$NAME ;;
forbidden) path=/private/$NAME ;;
wrong-credentials) login=$USER:not-$PASSWORD ;;
esac
