. /usr/local/lib/lab/ssh.sh
scan
phase login
cat >batch <<END
!phase put
put $NAME sent
!phase list
ls -l
!phase get
get sent received
!phase remove
rm sent
ls -l
END
status=0
batch batch >listing 2>complaints || status=$?
cat listing
outcome login="$(login_of $status)"
outcome sha256="$(sha256sum <received | cut -d' ' -f1)"
# the first listing names the file, the second does not
outcome listed="$(grep -c '^-.* sent$' listing | sed 's/^1$/yes/')"
outcome removed="$(sed '1,/^sftp> rm/d' listing | grep -q '^-.* sent$' && echo no || echo yes)"
