. /usr/local/lib/lab/ldap.sh
phase pages
status=0
# with -LLL the pages are not told apart
bound ldapsearch -LL -o ldif-wrap=no -E pr="$PAGE/noprompt" -b "ou=people,$top" '(objectClass=inetOrgPerson)' >found || status=$?
outcome result=$status
outcome entries="$(entries)"
outcome pages="$(grep -c '^# pagedresults:' found)"
