. /usr/local/lib/lab/browse.sh
phase login
case $FAILURE in
wrong-password) outcome login="$(log_in "not$PASSWORD")" ;;
*) outcome login="$(log_in "$PASSWORD")" ;;
esac
