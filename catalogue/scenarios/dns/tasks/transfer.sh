# Transfer the zone and compare its records.
. /usr/local/lib/lab/ask.sh
phase transfer
"$IMPLEMENTATION" "@$server" "$zone" AXFR +noall +answer >/root/answers 2>&1 || true
cat /root/answers
if grep -qi 'transfer failed\|REFUSED\|NOTAUTH' /root/answers; then
	outcome status=refused
else
	outcome status="$([ "$(awk '$4 == "SOA"' /root/answers | wc -l)" = 2 ] && echo transferred || echo broken)"
fi
awk '/^[^;]/ && $4 != "RRSIG" { sub("\\." zone "\\.$", "", $1); $2 = $3 = ""; $0 = $0; $1 = $1; print }' zone="$zone" /root/answers | sort >/root/got
sort /root/records >/root/wanted
outcome records="$(comm -12 /root/wanted /root/got | wc -l)"
