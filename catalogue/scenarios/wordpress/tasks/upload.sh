# Upload a file by the form of the media library, and get it back.
. /usr/local/lib/lab/browse.sh
if [ "$CACHING" != upload-session ]; then
	phase login
	case $FAILURE in
	wrong-password) login=$(log_in "not$PASSWORD") ;;
	*) login=$(log_in "$PASSWORD") ;;
	esac
	outcome login="$login"
	[ "$login" = ok ] || exit 0
fi
phase upload
get "$site/wp-admin/media-new.php?browser-uploader" /root/uploader >/dev/null
nonce=$(sed -n 's/.*name="_wpnonce" value="\([0-9a-f]*\)".*/\1/p' /root/uploader | head -n 1)
post_file "$site/wp-admin/media-new.php" /root/library async-upload "/root/$FILE.txt" post_id=0 _wpnonce="$nonce" html-upload=Upload >/dev/null
get "$site/wp-content/uploads/$FILE.txt" /root/back >/dev/null
outcome sha256="$(sha256sum </root/back | cut -d ' ' -f 1)"
