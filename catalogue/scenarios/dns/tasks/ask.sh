# Put the questions, one after the other.
. /usr/local/lib/lab/ask.sh
phase query
ask
report
