# What the pool has found of the shares.
await over
[ "$FAILURE" != unreachable ] || exit 0
log pool >/root/said
outcome pool_accepted="$(grep -c '^share accepted$' /root/said || true)"
outcome pool_rejected="$(grep -c '^share rejected: Low difficulty share$' /root/said || true)"
