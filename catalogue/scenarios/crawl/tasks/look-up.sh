# Ask the resolver for every site, so that it knows them.
while read -r domain; do
	getent ahosts{{if .network.ipv4}}v4{{else}}v6{{end}} "www.$domain.test"
done </root/domains
