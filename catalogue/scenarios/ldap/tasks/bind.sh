# A bind that must fail, of the tool that the task uses.
. /usr/local/lib/lab/ldap.sh
phase bind
if [ "$TASK" = modify ]; then
	status=0
	bound ldapmodify -f added.ldif || status=$?
	outcome result=$status
	signal done
else
	find -b "ou=people,$top" "(uid=$first_uid)"
fi
