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
upload "/root/$FILE.txt"
get "$site/wp-content/uploads/$FILE.txt" /root/back >/dev/null
outcome sha256="$(sha256sum </root/back | cut -d ' ' -f 1)"
