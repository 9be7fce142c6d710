# Wait until the mail is delivered, count what is in the mailboxes, and compare it with what was sent.
wanted=1
if [ "$TASK" = recipients ]; then wanted=$RECIPIENTS; fi
if [ "$FAILURE" = none ] || [ "$FAILURE" = greylisted ]; then
	await sent-yes
	mkfifo /root/log
	case $IMPLEMENTATION in
	postfix) log=/.detgen/logs/smtp.log done=status=sent ;;
	exim4) log=/var/log/exim4/mainlog done=' => ' ;;
	opensmtpd) log=/.detgen/logs/smtp.log done='result=Ok' ;;
	esac
	tail -n +1 -f "$log" >/root/log &
	n=0
	while [ "$n" -lt "$wanted" ] && IFS= read -r line; do
		case $line in *"$done"*) n=$((n + 1)) ;; esac
	done </root/log
else
	await sent-no
fi
find /home -path '*/Maildir/new/*' -type f >/root/mails
outcome delivered="$(wc -l </root/mails)"
xargs -r perl /usr/local/lib/lab/contents.pl </root/mails >/root/contents
outcome intact="$(grep -cx "text $(printf %s "$(cat /root/message)" | sha256sum | cut -d ' ' -f 1)" /root/contents || true)"
if [ "$TASK" = attachment ]; then
	outcome attached="$(grep -cx "file $(sha256sum </root/attached | cut -d ' ' -f 1)" /root/contents || true)"
fi
if [ "$FAILURE" = greylisted ]; then
	outcome deferred="$(grep -c action=greylist /.detgen/logs/greylist.log)"
fi
signal delivered
