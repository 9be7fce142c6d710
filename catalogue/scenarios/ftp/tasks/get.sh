. /usr/local/lib/lab/ftp.sh
session "get:$first"
report
same
signal done
