# What the server has seen of the guesses.
await guessed
[ "$FAILURE" != refused ] || exit 0
case $IMPLEMENTATION in
openssh)
	accepted='Accepted password for'
	failed='Failed password for'
	;;
dropbear)
	accepted='Password auth succeeded for'
	failed='Bad password attempt for\|Login attempt for nonexistent user'
	;;
esac
[ "$SUCCESS" = never ] || log ssh "$accepted" 1 >/dev/null
outcome accepted="$(log ssh | grep -c "$accepted" || true)"
outcome failed="$(log ssh | grep -c "$failed" || true)"
