. /usr/local/lib/lab/ftp.sh
session "mkdir:$folder" "rename:$first:$folder/$first"
report
signal done
