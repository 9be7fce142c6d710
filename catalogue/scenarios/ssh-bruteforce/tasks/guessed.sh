# What the server has seen of the guesses.
await guessed
log=/.detgen/logs/ssh.log
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
outcome accepted="$(grep -c "$accepted" $log || true)"
outcome failed="$(grep -c "$failed" $log || true)"
