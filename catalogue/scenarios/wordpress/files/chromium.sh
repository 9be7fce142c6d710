# What the reader does in Chromium.
. /usr/local/lib/browser.sh
site=http://{{.params.site}}.test

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
