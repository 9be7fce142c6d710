. /usr/local/lib/lab/mdns.sh
join
outcome address="$(avahi-resolve-host-name {{if .network.ipv4}}-4{{else}}-6{{end}} "$(cat /root/name)" | cut -f2)"
