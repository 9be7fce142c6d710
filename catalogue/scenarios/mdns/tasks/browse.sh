. /usr/local/lib/lab/mdns.sh
join
# =;eth0;IPv4;NAME;TYPE;local;HOST;ADDRESS;PORT;TEXT
avahi-browse --parsable --no-db-lookup --resolve --terminate "$SERVICE" >found
cat found
outcome found="$(grep -c "^=;eth0;IPv4;.*;local;.*;$PORT;\"$TEXT\"\$" found)"
