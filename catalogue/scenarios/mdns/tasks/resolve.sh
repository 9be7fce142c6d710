. /usr/local/lib/lab/mdns.sh
join
outcome address="$(avahi-resolve-host-name -4 "$(cat /root/name)" | cut -f2)"
