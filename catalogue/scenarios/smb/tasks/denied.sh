# Something with a file that the account may not do.
. /usr/local/lib/lab/smb.sh
read -r name </root/names
case $TASK in
get) work="get $name" ;;
put) work="put /srv/files/$name $name" ;;
change) work="del $name" ;;
esac
smb "$share" <<END
!phase work
$work
END
signal done
