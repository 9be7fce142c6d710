# What the agents have sent, in the order of the agents.
touch /root/begin
signal marked # what comes now is counted
await operator-done
hashes=
for user in $(cat /root/users); do
	for file in "/srv/uploads/${user}_"*/*; do
		[ "$file" -nt /root/begin ] && hashes="$hashes$(sha256sum <"$file" | cut -d' ' -f1) "
	done
done
outcome uploaded="${hashes:-none}"
