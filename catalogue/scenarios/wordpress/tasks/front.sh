. /usr/local/lib/lab/browse.sh
phase read
outcome status="$(get "$site/" /root/front)"
outcome posts="$(grep -c '<article ' /root/front || true)"
