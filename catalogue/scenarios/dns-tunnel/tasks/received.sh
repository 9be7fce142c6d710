# What came, when a tunnel is there for it.
[ "$FAILURE" = none ] || exit 0
await sent
outcome sha256="$(sha256sum </srv/received | cut -d ' ' -f 1)"
