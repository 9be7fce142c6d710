# Ask the resolver for every site, so that it knows them.
while read -r domain; do
	getent ahostsv4 "www.$domain.test"
done </root/domains
