# A search that finds more than the server's limit.
. /usr/local/lib/lab/ldap.sh
phase search
if [ "$TASK" = paged ]; then
	find -E pr=10/noprompt -b "ou=people,$top" '(objectClass=inetOrgPerson)'
else
	find -b "ou=people,$top" '(objectClass=inetOrgPerson)'
fi
outcome entries="$(entries)"
