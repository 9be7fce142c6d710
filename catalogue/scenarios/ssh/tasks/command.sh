. /usr/local/lib/lab/ssh.sh
scan
phase transfer
status=0
remote "$target" "sha256sum $NAME" >answer 2>complaints || status=$?
outcome login="$(login_of $status)"
outcome sha256="$(cut -d' ' -f1 answer)"
