. /usr/local/lib/lab/smb.sh
smb "$share" <<END
!phase put
lcd /srv/files
$(while read -r name; do echo "put $name"; done </root/names)
END
signal done
