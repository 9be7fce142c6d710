. /usr/local/lib/lab/ftp.sh
session $(each put)
report
signal done
