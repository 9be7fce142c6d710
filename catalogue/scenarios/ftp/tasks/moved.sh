. /usr/local/lib/lab/restore.sh
await done
outcome moved="$([ "$(find "/home/$USER/$FOLDER" -type f | wc -l)" = 1 ] && echo yes || echo no)"
restore
