. /usr/local/lib/lab/smb.sh
smb -g -L "//$SERVER_NAME"
outcome shares="$(sed -n 's/^Disk|\([^|]*\)|.*/\1/p' /root/answers)"
