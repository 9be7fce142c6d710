# Listen only.
await visited
outcome passwords="$(log reader | grep -c 'Authorization: Basic' || true)"
