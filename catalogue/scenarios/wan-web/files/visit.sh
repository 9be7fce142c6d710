# What the scripts of the client have in common.
first=$(head -n 1 /root/domains)
{{- if eq .failure "no-such-name"}}
first=no-$first
{{- end}}
protocol={{.params.protocol}}

# visit FOLDER ARGUMENT...: runs wget in a folder; sets error to its exit status.
visit() {
	mkdir -p "$1"
	cd "$1"
	shift
	error=0
	wget "$@" 2>/tmp/wget || error=$?
	cat /tmp/wget
}

# report: why wget could not have everything, in a word.
report() {
	case $error in
	0) outcome reason=none ;;
	4)
		if grep -q -i -e 'timed out' /tmp/wget; then
			outcome reason=timeout
		elif grep -q -e 'unable to resolve host' -e 'Name or service not known' /tmp/wget; then
			outcome reason=no-name
		else
			outcome reason=network
		fi
		;;
	5) outcome reason=certificate ;;
	*) outcome reason="status $error" ;;
	esac
}
