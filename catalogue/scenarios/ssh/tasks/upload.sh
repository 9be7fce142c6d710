. /usr/local/lib/lab/ssh.sh
scan
phase transfer
status=0
copy "$NAME" "$target:received" 2>complaints || status=$?
outcome login="$(login_of $status)"
signal sent
