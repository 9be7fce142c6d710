. /usr/local/lib/lab/ftp.sh
session "put:$first" "get:$first"
report
same
signal done
