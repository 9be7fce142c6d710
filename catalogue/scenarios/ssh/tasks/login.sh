# A login that must not succeed.
. /usr/local/lib/lab/ssh.sh
scan
phase login
status=0
remote "$target" true </dev/null >/dev/null 2>complaints || status=$?
outcome login="$(login_of $status)"
signal sent # to the server of an upload, which looks for the file then
