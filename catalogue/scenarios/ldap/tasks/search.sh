. /usr/local/lib/lab/ldap.sh
phase search
case $WANTED in
one) filter="(uid=$first_uid)" ;;
department) filter="(departmentNumber=$first_department)" ;;
all) filter='(objectClass=inetOrgPerson)' ;;
esac
find -b "ou=people,$top" "$filter"
outcome entries="$(entries)"
# the number of the first person, who is among those searched for in any case
outcome phone="$(sed -n "/^uid: $first_uid\$/,/^\$/s/^telephoneNumber: +//p" found)"
