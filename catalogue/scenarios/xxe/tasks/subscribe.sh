# Open the page, fill it and send, for each reader.
cd /root
await marked
phase subscribe
page=http://www.$SITE.test/subscribe.php
thanked=0
printf '%s' "$READERS" >readers
while read -r think name address; do
	echo "<?xml version=\"1.0\" encoding=\"utf-8\"?>
<subscription><name>$name</name><email>$address</email></subscription>" >document
	case $IMPLEMENTATION in
	curl)
		curl -sS "$page" >/dev/null
		sleep "$think"
		curl -sS -H 'Content-Type: application/xml' --data-binary @document "$page" >answer
		;;
	wget)
		wget -q -O /dev/null "$page"
		sleep "$think"
		wget -q --header='Content-Type: application/xml' --post-file=document -O answer "$page"
		;;
	esac
	if grep -q "Thank you, <b>$name</b>. We write to $address." answer; then
		thanked=$((thanked + 1))
	fi
done <readers
outcome thanked=$thanked
signal done
