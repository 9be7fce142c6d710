. /usr/local/lib/lab/smb.sh
smb "$share" <<END
!phase list
ls
!phase get
$(while read -r name; do echo "get $name"; done </root/names)
END
listed=0
same=0
while read -r name; do
	if grep -q "^  $name " /root/answers; then listed=$((listed + 1)); fi
	if cmp -s "$name" "/srv/files/$name"; then same=$((same + 1)); fi
done </root/names
outcome listed=$listed
outcome same=$same
