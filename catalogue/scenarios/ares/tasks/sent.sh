# The files that visitors have sent: as many as visitors, of the right size.
touch /root/begin
signal marked # what comes now is counted
for i in $(seq "$AGENT_COUNT"); do
	await "sent-$i"
done
outcome files="$(find /srv/uploads/visitors -type f -newer /root/begin -size "${SIZE}c" | wc -l)"
