. /usr/local/lib/lab/ftp.sh
session "mkdir:$folder" "cd:$folder" $(each put) $(each delete) cd:.. "chmod:700:$folder" "rmdir:$folder"
report
signal done
