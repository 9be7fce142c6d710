# Wait until the server's log speaks of the request, which it does when it is done with it.
case $TASK in
post) log web '/app/post' ;;
*) log web "/files/$NAME" ;;
esac
signal dropped
