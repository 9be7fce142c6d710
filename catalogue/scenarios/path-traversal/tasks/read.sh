# Ask for each path of the list.
. /usr/local/lib/lab/ask.sh
phase search
accounts=none
sleep "$PAUSE"
if [ "$(get "$(outside /etc/passwd)")" = 200 ]; then
	accounts=$(head -n 1 body)
fi
right=0
missed=0
sort paths >shuffled
while read -r path; do
	sleep "$PAUSE"
	case $(get "$(outside "$path")") in
	200) if grep -q "^$(sha256sum <body | cut -d' ' -f1) $path\$" known; then right=$((right + 1)); fi ;;
	000) ;;
	*) missed=$((missed + 1)) ;;
	esac
done <shuffled
outcome right=$right
outcome missed=$missed
outcome accounts="$accounts"
