# What arrived, seen on the server.
await sent
outcome sha256="$(sha256sum <"/home/$USER/received" | cut -d' ' -f1)"
