. /usr/local/lib/lab/kerberos.sh
get_ticket
case $SERVICE_IMPLEMENTATION in
ssh) kvno "host/$service" ;;
web) kvno "HTTP/$service" ;;
esac
