# What came, when a tunnel is there for it.
[ "$FAILURE" = none ] || exit 0
received=/srv/received-$(($(find /srv -name "received-*" | wc -l) - 1))
await sent
outcome sha256="$(sha256sum <"$received" | cut -d ' ' -f 1)"
