# Say when the server's log has the first request of the attack, and as many as are enough; or that the attack is over
# before. The visitor's have no query.
log web '/\?' 1 >/dev/null &
first=$!
log web '/\?' "$STRIKES" >/dev/null &
enough=$!
(await over && kill $first $enough 2>/dev/null || true) &
wait $first || true
signal struck
wait $enough || true
signal enough
wait
outcome requests="$(log web | grep -c '/?' || true)"
