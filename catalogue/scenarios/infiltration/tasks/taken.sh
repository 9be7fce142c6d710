# How many open ports the report has that has come to the server.
touch /root/begin
signal marked # what comes now is counted
await over
find /srv/uploads -name scan.txt -newer /root/begin -exec cat {} + >/root/taken
outcome taken="$(grep -o '/open/' /root/taken | wc -l)"
