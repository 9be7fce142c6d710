# The files that visitors have sent: as many as visitors, of the right size.
for i in $(seq "$AGENT_COUNT"); do
	await "sent-$i"
done
outcome files="$(find /srv/uploads/visitors -type f -size "${SIZE}c" | wc -l)"
