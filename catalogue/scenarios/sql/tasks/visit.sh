# An earlier visit: somebody who has an account tried another password.
. /usr/local/lib/lab/web.sh
visit login.php "$USER" other
