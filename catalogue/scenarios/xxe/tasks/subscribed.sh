# How many subscriptions the page has kept.
await done
outcome subscribed="$(wc -l </var/lib/newsletter/subscriptions)"
