# Try to open the tunnel.
. /usr/local/lib/lab/tunnel.sh
phase login
tunnel
outcome tunnel=$tunnel
close
