# Wrong passwords, a pause after each, then the right one.
. /usr/local/lib/lab/ssh.sh
scan
phase mistype
right=$secret
printf '%s' "$MISTAKEN" >mistakes
denied=0
while read -r think wrong; do
	export SSHPASS="$wrong" DROPBEAR_PASSWORD="$wrong"
	status=0
	remote "$target" true </dev/null 2>complaints || status=$?
	if [ "$(login_of $status)" = denied ]; then
		denied=$((denied + 1))
	fi
	sleep "$think"
done <mistakes
outcome denied=$denied
phase login
export SSHPASS="$right" DROPBEAR_PASSWORD="$right"
status=0
remote "$target" true </dev/null 2>complaints || status=$?
outcome login="$(login_of $status)"
