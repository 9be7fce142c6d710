# How many open ports the report has that has come to the server.
await over
find /srv/uploads -name scan.txt -exec cat {} + >/root/taken
outcome taken="$(grep -o '/open/' /root/taken | wc -l)"
