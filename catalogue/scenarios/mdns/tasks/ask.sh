case $TASK in
browse) avahi-browse --no-db-lookup --resolve --terminate "$SERVICE" ;;
resolve) avahi-resolve-host-name {{if .network.ipv4}}-4{{else}}-6{{end}} "$(cat /root/name)" ;;
esac
