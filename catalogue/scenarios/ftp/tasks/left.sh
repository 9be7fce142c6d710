# How many files are left.
await done
outcome left="$(find "/home/$USER" -type f | wc -l)"
