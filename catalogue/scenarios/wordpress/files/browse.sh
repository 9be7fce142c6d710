# The requests of a browser, made by {{.self.implementation}}.
site=http://{{.params.site}}.test
jar=/root/cookies
[ -e $jar ] || : >$jar

# get URL FILE: prints the status; redirections are followed, cookies kept.
get() {
	request "$1" "$2"
}

# post URL FILE KEY=VALUE...: sends a form; values are words without special characters, or URLs.
post() {
	post_url=$1
	post_file=$2
	shift 2
	form=
	for field; do
		form=$form${form:+&}$(printf '%s' "$field" | sed 's/%/%25/g; s/ /+/g; s/&/%26/g; s|/|%2F|g; s/:/%3A/g; s/@/%40/g')
	done
	printf '%s' "$form" >/root/form
	request "$post_url" "$post_file" application/x-www-form-urlencoded /root/form
}

# post_file URL FILE FIELD PATH KEY=VALUE...: sends a form with a file in it.
post_file() {
	file_url=$1
	file_out=$2
	file_field=$3
	file_path=$4
	shift 4
	line=$(printf '%s' "$file_path$*" | sha256sum | head -c 24)
	{
		for field; do
			printf -- '--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' "$line" "${field%%=*}" "${field#*=}"
		done
		printf -- '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: text/plain\r\n\r\n' "$line" "$file_field" "${file_path##*/}"
		cat "$file_path"
		printf '\r\n--%s--\r\n' "$line"
	} >/root/form
	request "$file_url" "$file_out" "multipart/form-data; boundary=$line" /root/form
}

# request URL FILE [TYPE BODY]: prints the status of the last answer.
request() {
{{- if eq .self.implementation "curl"}}
	if [ $# = 4 ]; then
		set -- "$1" "$2" --header "Content-Type: $3" --data-binary "@$4"
	fi
	request_url=$1
	request_out=$2
	shift 2
	curl --silent --show-error --location --cookie $jar --cookie-jar $jar --output "$request_out" --write-out '%{http_code}\n' "$@" "$request_url"
{{- else}}
	if [ $# = 4 ]; then
		set -- "$1" "$2" --header "Content-Type: $3" --post-file "$4"
	fi
	request_url=$1
	request_out=$2
	shift 2
	wget --quiet --server-response --tries=1 --load-cookies $jar --save-cookies $jar --keep-session-cookies --content-on-error \
		--output-document "$request_out" "$@" "$request_url" 2>&1 | sed -n 's/^ *HTTP[^ ]* \([0-9]*\).*/\1/p' | tail -n 1
{{- end}}
}

# asset URL: gets what a page needs, unless it is kept from before and has not changed; prints the status.
asset() {
	kept=/root/kept/$(printf '%s' "$1" | sha256sum | head -c 16)
	mkdir -p "$kept"
{{- if eq .self.implementation "curl"}}
	if [ -e "$kept/asset" ]; then
		curl --silent --show-error --time-cond "$kept/asset" --output "$kept/new" --write-out '%{http_code}\n' "$1"
	else
		curl --silent --show-error --remote-time --output "$kept/asset" --write-out '%{http_code}\n' "$1"
	fi
{{- else}}
	(cd "$kept" && wget --quiet --server-response --tries=1 --timestamping "$1" 2>&1 | sed -n 's/^ *HTTP[^ ]* \([0-9]*\).*/\1/p' | tail -n 1)
{{- end}}
}

# assets: gets what the page that was got last (/root/page) shows; prints how many there were and how many failed.
assets() {
	grep -o -E "(src|href)=[\"'][^\"']*\.(css|js|jpg|png|svg|ico)(\?[^\"']*)?[\"']" /root/page |
		sed -E "s/^[a-z]*=.//; s/.\$//; s|^/|$site/|; s/&#038;/\&/g" | grep "^$site/" | sort -u >/root/assets
	failed=0
	while read -r url; do
		case $(asset "$url") in
		200 | 304) ;;
		*) failed=$((failed + 1)) ;;
		esac
	done </root/assets
	echo "$(wc -l </root/assets) $failed"
}

# log_in PASSWORD: prints ok or denied.
log_in() {
	get "$site/wp-login.php" /root/login >/dev/null
	post "$site/wp-login.php" /root/dashboard log="$USER" pwd="$1" wp-submit="Log In" redirect_to="$site/wp-admin/" testcookie=1 >/dev/null
	if grep -q 'id="wpadminbar"' /root/dashboard; then echo ok; else echo denied; fi
}

# comment POST FILE: comments on a post, which was got before; FILE is what is shown then.
comment() {
	post "$site/wp-comments-post.php" "$2" comment="$COMMENT" author="$AUTHOR" email="$AUTHOR@$AUTHOR.test" url= submit="Post Comment" comment_post_ID="$1" comment_parent=0 >/dev/null
}

# upload FILE
upload() {
	get "$site/wp-admin/media-new.php?browser-uploader" /root/uploader >/dev/null
	nonce=$(sed -n 's/.*name="_wpnonce" value="\([0-9a-f]*\)".*/\1/p' /root/uploader | head -n 1)
	post_file "$site/wp-admin/media-new.php" /root/library async-upload "$1" post_id=0 _wpnonce="$nonce" html-upload=Upload >/dev/null
}
