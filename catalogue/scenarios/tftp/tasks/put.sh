# Put all files.
. /usr/local/lib/lab/tftp.sh
phase put
for name in $(cat /root/names); do put "$name"; done
report
signal done
