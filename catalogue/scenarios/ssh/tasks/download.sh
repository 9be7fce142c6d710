. /usr/local/lib/lab/ssh.sh
scan
phase transfer
status=0
copy "$target:$NAME" received 2>complaints || status=$?
outcome login="$(login_of $status)"
outcome sha256="$(sha256sum <received | cut -d' ' -f1)"
