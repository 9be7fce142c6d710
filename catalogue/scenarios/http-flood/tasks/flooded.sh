# How many requests the server's log has that are not the visitor's.
for i in $(seq "$ATTACKER_COUNT"); do
	await "over-$i"
done
outcome requests="$(log web | grep -e '"GET /' -e '"method":"GET"' | grep -vc 'curl/' || true)"
