# Shell functions for the client's scripts.
account={{if eq .failure "unknown-user"}}nobody-{{end}}{{.params.user}}
password={{if eq .failure "wrong-password"}}not-{{end}}{{.params.password}}
service=service.{{.params.domain}}.test
export HOME=/root
cd /root

# get_ticket: get a ticket with the password, and report what came of it
get_ticket() {
	status=0
	echo "$password" | {{if eq .failure "clock-skew"}}faketime -f -{{.params.skew}}s {{end}}kinit -l {{.params.lifetime}}s "$account" 2>complaints || status=$?
	cat complaints >&2
	case $status,$(cat complaints) in
	0,*) outcome ticket=ok ;;
	*"Password incorrect"* | *"Preauthentication failed"*) outcome ticket="wrong password" ;;
	*"not found in Kerberos database"*) outcome ticket="unknown user" ;;
	*"Clock skew too great"*) outcome ticket="clock skew" ;;
	*"Cannot contact any KDC"*) outcome ticket="no answer" ;;
	*) outcome ticket="failed with status $status" ;;
	esac
}

# tickets: the services that the client has tickets for, but for those that are configuration
tickets() { klist | sed -n 's/^[0-9/]* [0-9:]*  [0-9/]* [0-9:]*  //p'; }
