# Send a file over the tunnel.
. /usr/local/lib/lab/tunnel.sh
phase login
tunnel
outcome tunnel=$tunnel
phase transfer
if [ $tunnel = up ]; then
	nc -N 172.31.255.1 7000 </srv/file
fi
close
signal sent
