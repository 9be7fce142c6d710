# Wait until the mail is delivered, and count the mailboxes that have it.
wanted=1
if [ "$TASK" = recipients ]; then wanted=$RECIPIENTS; fi
if [ "$FAILURE" = none ]; then
	await sent-yes
	mkfifo /root/log
	case $IMPLEMENTATION in
	postfix) log=/.detgen/logs/smtp.log done=status=sent ;;
	exim4) log=/var/log/exim4/mainlog done=' => ' ;;
	esac
	tail -n +1 -f "$log" >/root/log &
	n=0
	while [ "$n" -lt "$wanted" ] && IFS= read -r line; do
		case $line in *"$done"*) n=$((n + 1)) ;; esac
	done </root/log
else
	await sent-no
fi
# Longer lines may be folded (quoted-printable).
head -n 1 /root/message | cut -c 1-40 >/root/first
delivered=0
attached=0
for mail in $(find /home -path '*/Maildir/new/*' -type f); do
	if grep -qF -f /root/first "$mail"; then delivered=$((delivered + 1)); fi
	if grep -qi 'application/octet-stream' "$mail"; then attached=$((attached + 1)); fi
done
outcome delivered=$delivered
outcome attached=$attached
signal delivered
