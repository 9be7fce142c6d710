# Send the message; read it when the task says so.
. /usr/local/lib/lab/mail.sh
await marked
phase send
sent=yes
send /root/message || sent=no
outcome sent=$sent
outcome code="$(grep -oE '\b(535|55[024])\b' /root/answers | head -n 1 | grep . || echo none)"
cat /root/answers
if [ "$FAILURE" = none ] && [ "$sent" = no ]; then
	exit 1
fi
signal "sent-$sent"
if [ "$TASK" = relay ]; then
	phase relay
	await delivered
fi
if [ "$TASK" = imap ] || [ "$TASK" = pop3 ]; then
	await delivered
	phase read
	: >/root/got
	read_mail || true
	cat /root/answers
	perl /usr/local/lib/lab/contents.pl /root/got >/root/contents
	outcome read="$(grep -cx "text $(printf %s "$(cat /root/message)" | sha256sum | cut -d ' ' -f 1)" /root/contents || true)"
fi
