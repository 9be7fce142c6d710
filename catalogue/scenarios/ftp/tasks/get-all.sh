. /usr/local/lib/lab/ftp.sh
session $(each get)
report
same
