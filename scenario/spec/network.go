package spec

import (
	"detgen/record"
	"detgen/scenario/value"
)

// allNetworks is the first part of the key for all networks; that of one is its name.
const allNetworks = "network"

// networkKeys are the last parts of network.KEY and NETWORK.KEY.
var networkKeys = []control[record.Network]{
	{value.Definition{Name: "tap", Type: value.Bool, Normal: "false", Doc: "capture what comes into the network's switch, as its monitor port shows it: captures/tap-NETWORK.pcap"},
		func(n *record.Network, v value.Value) { n.Tap = v.True() }},
}
