# A search, or a change, of what is not there.
. /usr/local/lib/lab/ldap.sh
phase absent
if [ "$TASK" = modify ]; then
	status=0
	bound ldapmodify -f changed.ldif || status=$?
	outcome result=$status
	signal done
elif [ "$TASK" = paged ]; then
	find -E pr="$PAGE/noprompt" -b "ou=nobody,$top"
else
	find -b "ou=nobody,$top"
fi
