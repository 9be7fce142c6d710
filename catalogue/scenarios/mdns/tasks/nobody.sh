# Ask for what nobody has.
. /usr/local/lib/lab/mdns.sh
join
case $TASK in
browse) avahi-browse --parsable --no-db-lookup --resolve --terminate _nfs._tcp >found ;;
resolve) avahi-resolve-host-name {{if .network.ipv4}}-4{{else}}-6{{end}} nobody.local >found ;;
esac
outcome found="$(wc -l <found)"
