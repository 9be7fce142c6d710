. /usr/local/lib/lab/ftp.sh
session $(each delete)
report
signal done
