# Echo requests to the target's address.
phase echo
ping -n -c "$COUNT" -i "$INTERVAL" -s "$SIZE" -W "$PATIENCE" "$TARGET_ADDRESS" | tee /tmp/ping || true
outcome replies="$(sed -n 's/.* \([0-9]*\) received.*/\1/p' /tmp/ping)"
