# Get all files and put them under other names, with a block size that the server agrees to.
BLOCK_SIZE=$BLOCK
. /usr/local/lib/lab/tftp.sh
phase get
for name in $(cat /root/names); do get "$name"; done
same
phase put
for name in $(cat /root/names); do put "$name" "$name.new"; done
report
signal done
