# What the server did with the heartbeats.
await over
log web >/root/log
outcome answered="$(grep -c '^heartbeat answered$' /root/log || true)"
outcome discarded="$(grep -c '^heartbeat discarded$' /root/log || true)"
