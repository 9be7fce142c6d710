package flow

import (
	"math"

	"detgen/packet"
)

// headersDecoder makes items of the headers that package packet decodes, for mode Default: IPv4 and IPv6 on
// any link, lengths by the IP header.
type headersDecoder struct {
	decoder    packet.Decoder
	headers    packet.Headers // of the frame
	ignoreVLAN bool
	fragments  fragments
	passed     packet.Unread
}

func (d *headersDecoder) unread() error { return d.passed.Err() }

func (d *headersDecoder) decode(f *packet.Frame, it *item) bool {
	h := &d.headers
	d.decoder.Decode(f, h)
	if h.IPVersion == 0 || h.L4Offset == 0 && h.Fragment != packet.LaterFragment {
		d.passed.Note(f, h) // there is no IP header, or it is cut or broken
		return false
	}
	if h.Fragment != packet.NotFragment {
		d.fragments.ports(h)
	}
	if d.ignoreVLAN {
		h.VLAN = 0
	}
	it.hash = endpointsHash(h)
	it.packet.frame, it.packet.capture, it.packet.time = f.Number, uint32(f.Capture), f.Time
	it.packet.fromHeaders(h)
	return true
}

// endpointsHash mixes addresses, ports and protocol into a number that is the same in both directions.
func endpointsHash(h *packet.Headers) uint64 {
	ports := uint64(h.SrcPort ^ h.DstPort)
	sum := uint64(h.SrcPort) + uint64(h.DstPort)
	var low, high uint64
	if h.IPVersion == 4 {
		a, b := address4(h.SrcIP[:]).lo, address4(h.DstIP[:]).lo
		low, high = a^b, a+b
	} else {
		a, b := address16(h.SrcIP[:]), address16(h.DstIP[:])
		low = fold(a.hi^b.hi^0x94d049bb133111eb, (a.hi+b.hi)|1) ^ a.lo ^ b.lo
		high = a.lo + b.lo
	}
	x := fold(low^ports<<32^uint64(h.Protocol)<<56^0x9e3779b97f4a7c15, high^sum<<32^0xbf58476d1ce4e5b9)
	return fold(x, 0xa0761d6478bd642f)
}

// fromHeaders makes the packet of its headers.
func (p *Packet) fromHeaders(h *packet.Headers) {
	p.key.version, p.key.protocol, p.key.group = h.IPVersion, h.Protocol, 0
	p.key.vlan = h.VLAN
	p.flags = 0
	p.tcp, p.analysed = h.TCP()
	p.window, p.icmpType, p.icmpCode = -1, -1, -1
	p.payload, p.header, p.ip = int32(min(h.Payload, math.MaxInt32)), int32(h.L4Length), int32(min(h.IPLength, math.MaxInt32))
	switch h.Protocol {
	case packet.ProtocolTCP:
		p.flags = h.Flags
		if h.L4Length != 0 {
			p.window = int32(h.Window)
		}
	case packet.ProtocolICMP, packet.ProtocolICMPv6:
		if h.Fragment != packet.LaterFragment {
			p.icmpType, p.icmpCode = int16(h.ICMPType), int16(h.ICMPCode)
		}
		p.key.group = icmpGroup(h.Protocol, h.ICMPType)
	}
	if h.IPVersion == 4 {
		p.setEndpoints(address4(h.SrcIP[:]), address4(h.DstIP[:]), h.SrcPort, h.DstPort)
	} else {
		p.setEndpoints(address16(h.SrcIP[:]), address16(h.DstIP[:]), h.SrcPort, h.DstPort)
	}
}

// icmpGroup puts requests and their answers into one group, so that they are one flow, and every other type
// into its own (RFC 792, RFC 950; RFC 4443, RFC 4861).
func icmpGroup(protocol, kind uint8) uint8 {
	if protocol == packet.ProtocolICMP {
		switch kind {
		case 0: // echo
			return 8
		case 14, 16, 18: // timestamp, information, address mask
			return kind - 1
		}
		return kind
	}
	switch kind {
	case 129, 134, 136: // echo, router solicitation and advertisement, neighbour solicitation and advertisement
		return kind - 1
	}
	return kind
}

// fragments remembers the ports (and the ICMP type) in the first fragments of datagrams for the later ones,
// which do not have them. A later fragment of a datagram that it does not remember has ports 0.
type fragments struct {
	known [fragmentsKnown]fragment
}

const fragmentsKnown = 1024

type fragment struct {
	name             uint64 // of the datagram
	srcPort, dstPort uint16
	icmpType         uint8
}

// ports notes the ports of a first fragment and adds them to a later one.
func (t *fragments) ports(h *packet.Headers) {
	src, dst := address16(h.SrcIP[:]), address16(h.DstIP[:])
	name := fold(src.hi^0x9e3779b97f4a7c15, dst.hi^0xbf58476d1ce4e5b9) ^ fold(src.lo^0x94d049bb133111eb, dst.lo^uint64(h.IPID)<<16^uint64(h.Protocol)^0xd6e8feb86659fd93)
	name |= 1 // 0 is for places that are free
	place := &t.known[fold(name, 0xa0761d6478bd642f)%fragmentsKnown]
	if h.Fragment == packet.FirstFragment {
		*place = fragment{name, h.SrcPort, h.DstPort, h.ICMPType}
		return
	}
	if place.name == name {
		h.SrcPort, h.DstPort, h.ICMPType = place.srcPort, place.dstPort, place.icmpType
	}
}
