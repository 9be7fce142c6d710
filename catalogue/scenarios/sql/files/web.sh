# Shell functions for the client's scripts.
cd /root
: >jar

# visit PAGE NAME PASSWORD [FIELD...]: as a browser does, over one connection: the form and its style,
# the filled form, and where it leads to. The page that comes in the end is in the file "last", its
# status in "code".
visit() {
	page=$1 name=$2 password=$3
	shift 3
	: >jar
	rm -f last
	curl -sS --cookie-jar jar --cookie jar "http://$WEB_NAME/$page" -o form \
		--next -sS "http://$WEB_NAME/style.css" -o style \
		--next -sS --cookie-jar jar --cookie jar --location -w '%{http_code}' -o last \
		--data-urlencode "name=$name" --data-urlencode "password=$password" "$@" "http://$WEB_NAME/$page" >code
}
