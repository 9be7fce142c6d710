phase watch
mkfifo events
avahi-browse --parsable --no-db-lookup "$SERVICE" >events &
exec 3<events
signal watching
came=no
went=no
while IFS= read -r event <&3; do
	echo "$event"
	case $event in
	"+;"*) came=yes; signal came ;;
	"-;"*) went=yes; signal went; break ;;
	esac
done
kill $!
wait $! || true
outcome came=$came
outcome went=$went
