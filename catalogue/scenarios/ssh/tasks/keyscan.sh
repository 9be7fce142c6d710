. /usr/local/lib/lab/ssh.sh
scan
key=$(head -n 1 .ssh/known_hosts | cut -d' ' -f2-)
outcome key="${key:-none}"
