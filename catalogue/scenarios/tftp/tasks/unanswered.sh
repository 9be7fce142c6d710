# Ask a server that does not answer, until the client gives up.
. /usr/local/lib/lab/tftp.sh
await hung
phase get
for name in $(cat /root/names); do get "$name"; done
report
same
