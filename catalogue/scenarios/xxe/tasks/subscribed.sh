# How many subscriptions the page has kept.
before=$(cat "$HOST_ROOT"/var/lib/newsletter/subscriptions 2>/dev/null | wc -l)
signal marked # what comes now is counted
await done
outcome subscribed=$(($(wc -l <"$HOST_ROOT"/var/lib/newsletter/subscriptions) - before))
