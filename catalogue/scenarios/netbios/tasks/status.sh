phase status
name=$(cat /root/name)
found=0
for i in $(seq "$LOOKUPS"); do
	nmblookup --lookup-by-ip "$MEMBER_1_ADDRESS" >answer || true
	cat answer
	# names of the workstation and its server service
	if grep -qi "^.$name *<00>" answer && grep -qi "^.$name *<20>" answer; then found=$((found + 1)); fi
done
outcome found=$found
