# The administrator logs in at each device and types the session's commands.
logins=0
commands=0
while read -r address user password; do
	phase login
	/usr/bin/expect -f /root/session "$address" "$user" "$password" >/root/said || true
	cat /root/said
	logins=$((logins + $(grep -c '^logged in' /root/said || true)))
	commands=$((commands + $(grep -c '^answered' /root/said || true)))
done </root/devices
outcome logins=$logins
outcome commands=$commands
