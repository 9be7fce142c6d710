# How many requests for ranges the server's log has.
await over
outcome asked="$(grep -c '"HEAD / ' /.detgen/logs/web.log || true)"
