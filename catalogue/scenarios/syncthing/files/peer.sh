# Shell functions of a peer. Syncthing is asked by its own interface on the peer itself; every
# wait is for one of its events.
folder={{.params.folder}}
cd "$HOST_ROOT/srv/folder" # Syncthing's own

# api METHOD PATH: ask this peer's Syncthing
api() { curl -sS --fail -X "$1" -H "X-API-Key: lab" "http://127.0.0.1:8384/rest/$2"; }

# id_of N: the device ID of peer N
id_of() {
	case $1 in
	{{- range hosts "peer"}}
	{{.index}}) echo {{made (printf "device-%d" .index) "device_id"}} ;;
	{{- end}}
	esac
}

# when CONDITION ARGUMENT...: wait until it holds, looking after each of Syncthing's events
seen=0
when() {
	until "$@"; do
		# what has happened since, or the next that happens
		api GET "events?since=$seen&timeout=60" >/tmp/events
		last=$(sed -n 's/^ *"id": \([0-9]*\),$/\1/p' /tmp/events | tail -n 1)
		seen=${last:-$seen}
	done
}

# connected NUMBER: so many peers are connected to this one
connected() { [ "$(api GET system/connections | grep -c '"connected": true')" = "$1" ]; }

# others: the numbers of the other peers
others() { seq "$PEER_COUNT" | grep -vx "$INDEX"; }

# known: those of them that are not the last peer
known() { others | grep -vx "$PEER_COUNT" || true; }

# meet NAME NUMBER...: go on when this peer and the peers have all come to NAME
meet() {
	name=$1
	shift
	signal "$name-$INDEX"
	for peer; do
		await "$name-$peer"
	done
}

# connect NUMBER...: connect with these peers. Each one may be called before it is: a peer calls
# those before it, as soon as it may.
connect() {
	for peer; do
		[ "$peer" -lt "$INDEX" ] || api POST "system/resume?device=$(id_of "$peer")"
	done
	meet callable "$@"
	api POST system/resume # all others
	when connected $#
	meet connected "$@"
}

# settled NUMBER...: these peers have all that this one has
settled() {
	for peer; do
		api GET "db/completion?folder=$folder&device=$(id_of "$peer")" | grep -q '"completion": 100,' || return 1
	done
}

# is FILE INPUT...: the file's content is that of the inputs, one after the other; without
# inputs: there is no such file
is() {
	file=$1
	shift
	if [ $# = 0 ]; then
		[ ! -e "$file" ]
	else
		[ -e "$file" ] && (cd /srv/inputs && cat "$@") | cmp -s - "$file"
	fi
}

# changed: tell Syncthing to look at the folder, unless it watches it
changed() {
	{{- if eq .params.detection "scan"}}
	api POST "db/scan?folder=$folder"
	{{- else}}
	:
	{{- end}}
}

# author N: who makes the N-th change
author() {
	{{- if eq .task "add-edit" "add-delete" "add-edit-delete"}}{{if eq .params.changes "several"}}
	echo $((($1 - 1) % PEER_COUNT + 1))
	{{- else}}
	echo 1
	{{- end}}{{else}}
	echo 1
	{{- end}}
}

# change PHASE AUTHOR COMMAND INPUT...: in the phase, the author runs the command; it is over when
# the file is that of the inputs on all peers, and every peer knows that of the others
change() {
	change_among "$(others)" "$@"
}

# change_among PEERS PHASE AUTHOR COMMAND INPUT...: the same, when only some peers take part
change_among() {
	among=$1
	step=$2
	author=$3
	command=$4
	shift 4
	phase "$step"
	if [ "$INDEX" = "$author" ]; then
		eval "$command"
		changed
	fi
	when is "$NAME" "$@"
	when settled $among
	meet "$step" $among
}

# all_same INPUT...: say that all peers have the file, which is that of the inputs
all_same() {
	is "$NAME" "$@"
	meet same $(others)
	outcome same="$PEER_COUNT"
}

# start: connect with all others
start() {
	phase connect
	connect $(others)
	outcome connected=$((1 + $(others | wc -l)))
}
