# What the server's log has of the guesses.
await guessed
outcome accepted="$(log web | grep -c "/members/.*\" 200 " || true)"
# A request without any password is none.
outcome denied="$(log web | grep -c "[0-9.]* - $USER .*/members/.*\" 401 " || true)"
