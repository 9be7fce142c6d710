. /usr/local/lib/lab/ftp.sh
session "put:$first"
report
signal done
