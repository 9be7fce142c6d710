package flowset

// role is what a column that is not a measured quantity says of a flow.
type role uint8

const (
	measured role = iota
	ignored
	label
	family
	split
	run
	source
	destination
	sourcePort
	destinationPort
	protocol
	start
	serviceName
)

// roles are the columns of identity, by plain name.
var roles = map[string]role{
	"id": ignored, "flowid": ignored, "uid": ignored, "capture": ignored, "firstframe": ignored, "lastframe": ignored, "attemptedcategory": ignored,
	"handshake": ignored, "closing": ignored, "end": ignored, "history": ignored, "connstate": ignored,
	"tunnelparents": ignored, "iptproto": ignored, "localorig": ignored, "localresp": ignored, "connection": ignored,
	// detgen's connections.csv; what it counts in its own way is there again as features
	"client": source, "server": destination, "clientport": sourcePort, "serverport": destinationPort,
	"clientpackets": ignored, "serverpackets": ignored, "clientbytes": ignored, "serverbytes": ignored,
	"clientwirebytes": ignored, "serverwirebytes": ignored, "family": family,

	"label": label, "attacktype": label, "attackcat": label, "class": label,
	"split": split, "run": run, "runid": run,
	"sourceip": source, "srcip": source, "idorigh": source, "source": source,
	"destinationip": destination, "dstip": destination, "idresph": destination, "destination": destination,
	"sourceport": sourcePort, "srcport": sourcePort, "idorigp": sourcePort, "sport": sourcePort,
	"destinationport": destinationPort, "dstport": destinationPort, "idrespp": destinationPort, "dsport": destinationPort,
	"protocol": protocol, "proto": protocol,
	"timestamp": start, "ts": start, "start": start,
	"service": serviceName,
}
