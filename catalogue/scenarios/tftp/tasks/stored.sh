# How many files were stored as they were sent.
await done
n=0
for name in $(cat /root/names); do
	stored=/srv/tftp/$name
	if [ "$TASK" = block ]; then stored=$stored.new; fi
	if cmp -s "$stored" "/srv/files/$name"; then n=$((n + 1)); fi
done
if [ "$TASK" = block ]; then
	outcome back=$n
else
	outcome same=$n
fi
