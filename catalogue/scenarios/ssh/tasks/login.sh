# A login that must not succeed.
. /usr/local/lib/lab/ssh.sh
scan
phase login
status=0
remote "$target" true </dev/null >/dev/null 2>complaints || status=$?
outcome login="$(login_of $status)"
