# What a visitor does in Chromium.
. /usr/local/lib/browser.sh
cd /root

# log_in: as the account of the run
log_in() {
	get "http://$WEB_NAME/login.php" form >/dev/null
	fill 'input[name=name]' "$USER"
	fill 'input[name=password]' "$PASSWORD"
	press button account
	welcomed=$(grep -q "<h1>Welcome, $USER</h1>" account && echo yes || echo no)
}

# write AUTHOR TEXT: into the guest book, whose page was got before
write() {
	fill 'input[name=author]' "$1"
	fill 'input[name=text]' "$2"
	press button guestbook
}
