case $TASK in
browse) avahi-browse --no-db-lookup --resolve --terminate "$SERVICE" ;;
resolve) avahi-resolve-host-name -4 "$(cat /root/name)" ;;
esac
