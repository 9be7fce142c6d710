# Ask a server that hangs.
. /usr/local/lib/lab/ask.sh
await hung
phase query
ask
report
