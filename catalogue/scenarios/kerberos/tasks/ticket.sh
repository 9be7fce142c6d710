. /usr/local/lib/lab/kerberos.sh
phase ticket
get_ticket
outcome of="$(tickets)"
