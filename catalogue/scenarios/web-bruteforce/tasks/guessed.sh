# How many sessions of the pages are logged in as the user.
await guessed
outcome accepted="$(grep -l "\"$USER\"" /var/lib/sessions/* 2>/dev/null | wc -l)"
