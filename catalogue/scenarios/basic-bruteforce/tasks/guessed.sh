# What the server's log has of the guesses. A request fills its line when its answer is over, which may be after the
# tool has read enough of it and gone: wait for the lines that must come. A request without any password is none.
await guessed
[ "$FAILURE" != refused ] || exit 0
accepted='/members/.*" 200 '
denied="[0-9.]* - $USER .*/members/.*\" 401 "
case $SUCCESS in
never) log web "$denied" "$PASSWORDS" >/dev/null ;;
stop) log web "$accepted" 1 >/dev/null ;;
go-on)
	log web "$accepted" 1 >/dev/null
	log web "$denied" $((PASSWORDS - 1)) >/dev/null
	;;
esac
outcome accepted="$(log web | grep -c "$accepted" || true)"
outcome denied="$(log web | grep -c "$denied" || true)"
