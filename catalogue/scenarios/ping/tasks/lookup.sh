# Have the resolver look the name up, so that it remembers it.
getent ahosts{{if .network.ipv4}}v4{{else}}v6{{end}} "$NAME.$DOMAIN.test"
