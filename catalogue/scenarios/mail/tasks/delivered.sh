# Wait until the mail is delivered, count what is in the mailboxes, and compare it with what was sent.
. /usr/local/lib/lab/server.sh
signal marked # what comes now is counted
wanted=1
if [ "$TASK" = recipients ]; then wanted=$RECIPIENTS; fi
if [ "$FAILURE" = none ] || [ "$FAILURE" = greylisted ]; then
	await sent-yes
	wait_delivered "$wanted"
else
	await sent-no
fi
find /home -path '*/Maildir/new/*' -type f | grep -vxFf /root/mails-before >/root/mails || true
outcome delivered="$(wc -l </root/mails)"
xargs -r perl /usr/local/lib/lab/contents.pl </root/mails >/root/contents
outcome intact="$(grep -cx "text $(printf %s "$(cat /root/message)" | sha256sum | cut -d ' ' -f 1)" /root/contents || true)"
if [ "$TASK" = attachment ]; then
	outcome attached="$(grep -cx "file $(sha256sum </root/attached | cut -d ' ' -f 1)" /root/contents || true)"
fi
if [ "$FAILURE" = greylisted ]; then
	outcome deferred="$(log greylist | grep -c action=greylist)"
fi
if [ "$CACHING" = tls-resumption ]; then
	outcome resumed="$(resumed)"
fi
signal delivered
