# Which logins have come to the server, and how many of them are the devices' own.
for i in $(seq "$BOT_COUNT"); do
	await "over-$i"
done
reports=0
if [ "$FAILURE" = none ]; then
	log mirai '^login ' $((BOTS * DEVICES)) >/root/said
	reports=$(grep -c '^login ' /root/said)
fi
outcome reports="$reports"
: >>/root/said
right=0
while read -r address user; do
	right=$((right + $(grep -cxF "login $address $user" /root/said || true)))
done </root/known
outcome right="$right"
