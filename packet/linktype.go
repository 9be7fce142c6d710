package packet

import "fmt"

// LinkType is the header that a frame starts with; the numbers are those of capture files
// (https://www.tcpdump.org/linktypes.html).
type LinkType uint16

// The link types whose frames Decode can read.
const (
	LinkNull      LinkType = 0   // BSD loopback: address family in the writer's byte order
	LinkEthernet  LinkType = 1   // IEEE 802.3
	LinkPPP       LinkType = 9   // PPP, with or without HDLC address and control
	LinkDLTRaw    LinkType = 12  // raw IP: DLT_RAW of most systems, found in files all the same
	LinkDLTRaw14  LinkType = 14  // raw IP: DLT_RAW of OpenBSD
	LinkPPPHDLC   LinkType = 50  // PPP in HDLC-like framing
	LinkRaw       LinkType = 101 // raw IP
	LinkCiscoHDLC LinkType = 104 // Cisco PPP with HDLC framing
	LinkWLAN      LinkType = 105 // IEEE 802.11
	LinkLoop      LinkType = 108 // OpenBSD loopback: address family in network byte order
	LinkLinuxSLL  LinkType = 113 // Linux cooked capture, version 1
	LinkRadiotap  LinkType = 127 // radiotap header, then IEEE 802.11 (https://www.radiotap.org)
	LinkIPv4      LinkType = 228
	LinkIPv6      LinkType = 229
	LinkNFLOG     LinkType = 239 // Linux netfilter log messages
	LinkSLL2      LinkType = 276 // Linux cooked capture, version 2
)

var linkNames = map[LinkType]string{
	LinkNull:      "null",
	LinkEthernet:  "ethernet",
	LinkPPP:       "ppp",
	LinkDLTRaw:    "raw",
	LinkDLTRaw14:  "raw",
	LinkPPPHDLC:   "ppp-hdlc",
	LinkRaw:       "raw",
	LinkCiscoHDLC: "cisco-hdlc",
	LinkLoop:      "loop",
	LinkWLAN:      "ieee802.11",
	LinkRadiotap:  "radiotap",
	LinkNFLOG:     "nflog",
	LinkLinuxSLL:  "linux-sll",
	LinkIPv4:      "ipv4",
	LinkIPv6:      "ipv6",
	LinkSLL2:      "linux-sll2",
}

// Known reports whether Decode can read frames of this type.
func (t LinkType) Known() bool { return linkNames[t] != "" }

// String gives the name of a known type, "link type N" of another.
func (t LinkType) String() string {
	if name := linkNames[t]; name != "" {
		return name
	}
	return fmt.Sprintf("link type %d", uint16(t))
}
