. /usr/local/lib/lab/ftp.sh
session "delete:$first"
report
signal done
