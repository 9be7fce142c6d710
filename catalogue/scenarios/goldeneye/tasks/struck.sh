# Say when the server's log has as many requests of the attack as are enough. The visitor's have no query.
log=/.detgen/logs/web.log
mkfifo /root/lines
tail -n +1 -f $log >/root/lines &
tail=$!
(await over && kill $tail 2>/dev/null || true) &
grep -c -m "$STRIKES" '/?' </root/lines || true
signal enough
wait
outcome requests="$(grep -c '/?' $log || true)"
