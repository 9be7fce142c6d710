# One session: the tool reads what to do from a pipe, and says when an operation is complete.
. /usr/local/lib/lab/ldap.sh
mkfifo requests answers
session() {
	status=0
	bound ldapmodify -v <requests >answers || status=$?
	echo $status >status
}
export _STDBUF_O=L LD_PRELOAD="$(stdbuf -oL env | sed -n 's/^LD_PRELOAD=//p')"
session &
unset _STDBUF_O LD_PRELOAD
exec 3>requests 4<answers

# change NAME: send the file's changes, and read until all are complete
change() {
	phase "$1"
	cat "$2" >&3
	done=0
	while [ "$done" -lt "$CHANGES" ] && IFS= read -r line <&4; do
		echo "$line"
		case $line in *" complete") done=$((done + 1)) ;; esac
	done
}
change add added.ldif
outcome added=$done
change change changed.ldif
signal changed
await seen
change remove removed.ldif
exec 3>&-
cat <&4
wait
outcome result="$(cat status)"
signal done
