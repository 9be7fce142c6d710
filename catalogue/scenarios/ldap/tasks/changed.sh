# What the database holds after the changes, and in the end.
people() { slapcat -f /etc/ldap/slapd.conf -o ldif-wrap=no -a "$1"; }
if [ "$FAILURE" = none ]; then
	await changed
	n=0
	while read -r uid phone; do
		people "(&(uid=$uid)(telephoneNumber=+$phone)(!(description=*)))" >entry
		if grep -q "^uid: $uid\$" entry; then n=$((n + 1)); fi
	done </srv/changed
	outcome changed=$n
	signal seen
fi
await done
outcome left="$(people '(objectClass=inetOrgPerson)' | grep -c '^uid: ')"
