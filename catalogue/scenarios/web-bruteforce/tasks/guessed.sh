# How many sessions of the pages are logged in as the user.
touch /root/begin
await guessed
outcome accepted="$(find /var/lib/sessions -type f -newer /root/begin -exec grep -l "\"$USER\"" {} + 2>/dev/null | wc -l)"
