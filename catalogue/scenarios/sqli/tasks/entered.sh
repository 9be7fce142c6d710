# How many sessions of the pages are logged in.
touch /tmp/begin
signal marked # what comes now is counted
await done
outcome opened="$(find /var/lib/sessions -type f -newer /tmp/begin -exec grep -l '^name|' {} + 2>/dev/null | wc -l)"
