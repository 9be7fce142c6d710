# How many sessions of the pages are logged in.
await done
outcome opened="$(grep -l '^name|' /var/lib/sessions/* 2>/dev/null | wc -l)"
