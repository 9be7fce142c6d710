. /usr/local/lib/lab/ftp.sh
session "mkdir:$folder" "cd:$folder" "put:$first"
report
signal done
