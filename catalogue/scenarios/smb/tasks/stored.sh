# How many files were stored as they were sent.
await done
n=0
for file in "/srv/$SHARE"/*; do
	if cmp -s "$file" "/srv/files/${file##*/}"; then n=$((n + 1)); fi
done
outcome stored=$n
