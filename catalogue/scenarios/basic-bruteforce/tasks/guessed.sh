# What the server's log has of the guesses.
await guessed
log=/.detgen/logs/web.log
outcome accepted="$(grep -c "/members/.*\" 200 " $log || true)"
# A request without any password is none.
outcome denied="$(grep -c "[0-9.]* - $USER .*/members/.*\" 401 " $log || true)"
