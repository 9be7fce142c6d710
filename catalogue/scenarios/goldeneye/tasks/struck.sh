# Say when the server's log has as many requests of the attack as are enough, or the attack is over before. The
# visitor's have no query.
log web '/\?' "$STRIKES" >/dev/null &
enough=$!
(await over && kill $enough 2>/dev/null || true) &
wait $enough || true
signal enough
wait
outcome requests="$(log web | grep -c '/?' || true)"
