# What came.
await sent
outcome sha256="$(sha256sum </srv/received | cut -d ' ' -f 1)"
