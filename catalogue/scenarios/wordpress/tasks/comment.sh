. /usr/local/lib/lab/browse.sh
phase read
get "$site/?p=100" /root/page >/dev/null
phase comment
comment 100 /root/after
outcome comment="$(if grep -q -F "$COMMENT" /root/after; then echo shown; else echo missing; fi)"
