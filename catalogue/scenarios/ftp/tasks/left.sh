# How many files are left.
. /usr/local/lib/lab/restore.sh
await done
outcome left="$(find "/home/$USER" -type f | wc -l)"
restore
