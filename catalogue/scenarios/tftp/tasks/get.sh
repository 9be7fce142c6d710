# Get all files.
. /usr/local/lib/lab/tftp.sh
phase get
for name in $(cat /root/names); do get "$name"; done
report
same
signal done
