# How many subscriptions the page has kept.
before=$(cat /var/lib/newsletter/subscriptions 2>/dev/null | wc -l)
await done
outcome subscribed=$(($(wc -l </var/lib/newsletter/subscriptions) - before))
