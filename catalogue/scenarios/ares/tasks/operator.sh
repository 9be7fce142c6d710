# The operator gives each order when the one before has been answered, the last one to exit.
# What every agent reports must be what it is expected to, in any order of lines.
first=$(ls /root/expected | head -n 1)
sed -n 's/^\$ //p' "/root/expected/$first" >/root/orders
head -n "$(wc -l </root/orders)" /root/think | paste -d' ' - /root/orders >/root/plan
case $TASK in upload | sequence) await marked ;; esac
emulate ares-operator --server "http://$SERVER_NAME:$PORT" --user-agent "$BROWSER" --password "$PASSWORD" \
	--orders /root/plan --answers /root/answers --agents "$AGENT_COUNT" \
	--refresh "${REFRESH}s" --looks "$LOOKS" --keep-alive="$KEEP_ALIVE" >/root/log
cat /root/log
outcome login="$(sed -n 's/^login //p' /root/log)"
outcome listed="$(sed -n 's/^listed //p' /root/log)"
outcome unanswered="$(grep -c '^unanswered ' /root/log || true)"
right=0
for answers in /root/answers/*; do
	# where the server has put a file is not the agent's report
	grep -v '^\[\*\] File uploaded' "$answers" | sort >/root/got
	if sort "/root/expected/${answers##*/}" | diff - /root/got; then
		right=$((right + 1))
	fi
done
outcome answers=$right
signal operator-done
