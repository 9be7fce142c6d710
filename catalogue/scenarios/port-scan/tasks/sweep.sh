# Ask addresses whether a host has them: those of the three hosts, and as many that no host has.
phase sweep
base=${WEB_ADDRESS%.*}
hosts="$WEB_ADDRESS $LOGIN_ADDRESS $NAMES_ADDRESS"
empty=
count=0
for last in $(seq 1 254); do
	case " $hosts $ROUTER_FAR_ADDRESS " in
	*" $base.$last "*) ;;
	*)
		[ "$count" -lt "$EMPTY" ] || break
		empty="$empty $base.$last"
		count=$((count + 1))
		;;
	esac
done
set -- -n -sn -v "-T$TIMING" -oG /root/report
[ "$RATE" = 0 ] || set -- "$@" --max-rate "$RATE"
nmap "$@" $hosts $empty
sed -n 's/^Host: \([^ ]*\) .*Status: \(.*\)$/\1 \2/p' /root/report | sort >/root/reported
{ for a in $hosts; do echo "$a Up"; done; for a in $empty; do echo "$a Down"; done; } | sort >/root/wanted
diff /root/wanted /root/reported >&2 || true
outcome up="$(grep -c ' Up$' /root/reported || true)"
outcome right="$(comm -12 /root/wanted /root/reported | wc -l)"
outcome wrong="$(comm -13 /root/wanted /root/reported | wc -l)"
