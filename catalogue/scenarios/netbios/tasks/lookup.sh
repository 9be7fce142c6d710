phase lookup
name=$(cat /root/name)
if [ "$FAILURE" = no-answer ]; then name=n$name; fi
found=0
for i in $(seq "$LOOKUPS"); do
	case $TASK in
	lookup) nmblookup "$name" >answer || true ;;
	wins) nmblookup --recursion --unicast="$WINS_ADDRESS" "$name" >answer || true ;;
	esac
	cat answer
	if grep -qi "^$MEMBER_1_ADDRESS $name<00>" answer; then found=$((found + 1)); fi
done
outcome found=$found
