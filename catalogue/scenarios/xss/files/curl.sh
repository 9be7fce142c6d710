# What a visitor does by curl: the main requests of a browser.
cd /root
: >jar

get() {
	curl -sS --cookie jar --cookie-jar jar -o "$2" "$1"
}

# log_in: as the account of the run
log_in() {
	get "http://$WEB_NAME/login.php" form
	get "http://$WEB_NAME/style.css" style
	curl -sS --cookie jar --cookie-jar jar --location -o account \
		--data-urlencode "name=$USER" --data-urlencode "password=$PASSWORD" "http://$WEB_NAME/login.php"
	welcomed=$(grep -q "<h1>Welcome, $USER</h1>" account && echo yes || echo no)
}

# write AUTHOR TEXT: into the guest book
write() {
	curl -sS --cookie jar --cookie-jar jar --location -o guestbook \
		--data-urlencode "author=$1" --data-urlencode "text=$2" "http://$WEB_NAME/guestbook.php"
}
