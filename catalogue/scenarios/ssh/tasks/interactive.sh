# A shell on a terminal of the server, used as a person would: read the answer, think, type.
. /usr/local/lib/lab/ssh.sh
scan
phase login
mkfifo keyboard screen
{ status=0; terminal <keyboard >screen 2>complaints || status=$?; echo $status >status; } &
exec 3>keyboard 4<screen

# type COMMAND: type it and read until its end shows. The terminal echoes what is typed, so the
# end is a word that is not typed as it is shown.
typed=0
type_command() {
	typed=$((typed + 1))
	printf '%s; echo end-$((%d+0))\n' "$1" $typed >&3
	while IFS= read -r line <&4; do
		case $line in
		*end-\$*) ;;
		*end-$typed*) return 0 ;;
		esac
	done
	return 1
}

answered=0
if type_command true; then
	phase work
	while read -r think command; do
		sleep "$think"
		type_command "$command" || break
		answered=$((answered + 1))
	done <session
	printf 'exit\n' >&3
fi
exec 3>&-
cat <&4 >rest
wait
outcome login="$(login_of "$(cat status)")"
outcome commands=$answered
