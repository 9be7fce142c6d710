# How many requests for ranges the server's log has.
await over
outcome asked="$(log web | grep -c '"HEAD / ' || true)"
