# A login that must not succeed.
. /usr/local/lib/lab/smb.sh
smb "$share" -c ls
signal done # to the server, which looks at its files then
