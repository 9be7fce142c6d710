. /usr/local/lib/lab/smb.sh
smb "$share" <<END
!phase rename
$(read -r name </root/names; echo "rename $name new-$name")
!phase delete
$(while read -r name; do echo "del $name"; done </root/names | tail -n +2)
END
signal done
