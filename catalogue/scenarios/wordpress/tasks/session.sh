# Log in, so that there is a session.
. /usr/local/lib/lab/browse.sh
[ "$(log_in "$PASSWORD")" = ok ]
