# Wait until the server's log speaks of the request, which it does when it is done with it.
mkfifo /tmp/lines
tail -n +1 -f /.detgen/logs/web.log >/tmp/lines &
case $TASK in
post) grep -m 1 '/app/post' </tmp/lines ;;
*) grep -m 1 "/files/$NAME" </tmp/lines ;;
esac
kill $!
signal dropped
