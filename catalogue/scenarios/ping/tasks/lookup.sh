# Have the resolver look the name up, so that it remembers it.
getent ahostsv4 "$NAME.$DOMAIN.test"
