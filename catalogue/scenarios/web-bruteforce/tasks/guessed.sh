# How many sessions of the pages are logged in as the user.
touch /tmp/begin
signal marked # what comes now is counted
await guessed
outcome accepted="$(find /var/lib/sessions -type f -newer /tmp/begin -exec grep -l "\"$USER\"" {} + 2>/dev/null | wc -l)"
