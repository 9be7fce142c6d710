. /usr/local/lib/lab/ldap.sh
phase search
find -C -b "ou=branch,$top" '(objectClass=inetOrgPerson)'
outcome entries="$(entries)"
outcome of="$(sed -n 's/^dn: .*,ou=people,ou=\([a-z]*\),dc=.*/\1/p' found | sort -u)"
