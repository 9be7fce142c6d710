. /usr/local/lib/lab/mdns.sh
join
# =;eth0;IPv4;NAME;TYPE;local;HOST;ADDRESS;PORT;TEXT
avahi-browse --parsable --no-db-lookup --resolve --terminate "$SERVICE" >found
cat found
outcome found="$(grep -c "^=;eth0;{{if .network.ipv4}}IPv4{{else}}IPv6{{end}};.*;local;.*;$PORT;\"$TEXT\"\$" found)"
