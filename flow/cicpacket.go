package flow

import (
	"encoding/binary"

	"detgen/packet"
)

// cicDecoder makes packets of frames as CICFlowMeter sees them.
type cicDecoder struct {
	mode Mode
	walk walk
}

func newCICDecoder(o Options) *cicDecoder {
	return &cicDecoder{mode: o.Mode, walk: walk{countPadding: o.CountPadding}}
}

// decode reads the frame into p and reports whether CICFlowMeter takes it for a packet.
//
// A frame in which no readable IPv4 header was found is tried again as one that starts with IPv4
// instead of Ethernet. That reads raw IP; but it also makes flows of frames of other protocols (ARP among them) whose
// destination address happens to look like the first byte of an IPv4 header: those with 5 or more in the low
// half of that byte, broadcasts always.
func (d *cicDecoder) decode(f *packet.Frame, it *item) bool {
	if f.WireLen < len(f.Data) {
		return false // the library refuses it
	}
	p := &it.packet
	p.frame, p.capture = f.Number, uint32(f.Capture)
	p.time = floorDiv(f.Time, 1000)
	d.walk.run(layerEthernet, f.Data, f.WireLen)
	ok := d.read(p)
	if !ok {
		d.walk.run(layerIPv4, f.Data, f.WireLen)
		ok = d.read(p)
	}
	it.hash = p.key.hash()
	return ok
}

// unread is nil: CICFlowMeter takes every link for Ethernet.
func (d *cicDecoder) unread() error { return nil }

// floorDiv divides and rounds down.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// read makes a packet of the headers that the walk found. It returns false where the library or
// CICFlowMeter stumbles over a field.
func (d *cicDecoder) read(p *Packet) bool {
	w := &d.walk
	if w.ipv4.length == 0 {
		return false
	}
	ip := w.ipv4.of(w.data)
	if !optionsReadable(ip) {
		return false
	}
	p.icmpType, p.icmpCode, p.window = -1, -1, -1
	p.flags, p.payload, p.header, p.tcp = 0, 0, 0, packet.TCP{}
	p.ip = int32(w.ipv4.length) + int32(w.ipv4.payload)
	p.key.version, p.key.group = 4, 0
	p.key.protocol = 0
	var srcPort, dstPort uint16
	switch fixed := d.mode.corrected(); {
	case fixed && w.icmp.length != 0:
		icmp := w.data[w.icmp.at:]
		if icmp[0] >= 64 {
			return false
		}
		p.key.protocol = packet.ProtocolICMP
		p.icmpType, p.icmpCode = int16(icmp[0]), int16(icmp[1])
	case w.tcp.length != 0:
		tcp := w.tcp.of(w.data)
		if !tcpReadable(tcp) {
			return false
		}
		p.key.protocol = packet.ProtocolTCP
		srcPort, dstPort = binary.BigEndian.Uint16(tcp), binary.BigEndian.Uint16(tcp[2:])
		p.tcp.Seq, p.tcp.Ack = binary.BigEndian.Uint32(tcp[4:]), binary.BigEndian.Uint32(tcp[8:])
		p.flags = packet.TCPFlags(tcp[13])
		p.window = int32(binary.BigEndian.Uint16(tcp[14:]))
		p.payload, p.header = int32(w.tcp.payload), int32(w.tcp.length)
	case w.udp.length != 0:
		udp := w.data[w.udp.at:]
		p.key.protocol = packet.ProtocolUDP
		srcPort, dstPort = binary.BigEndian.Uint16(udp), binary.BigEndian.Uint16(udp[2:])
		p.payload, p.header = int32(w.udp.payload), int32(w.udp.length)
	case fixed && w.sctp.length != 0:
		if w.sctp.length < 4 {
			return false
		}
		sctp := w.data[w.sctp.at:]
		p.key.protocol = packet.ProtocolSCTP
		srcPort, dstPort = binary.BigEndian.Uint16(sctp), binary.BigEndian.Uint16(sctp[2:])
		p.payload, p.header = int32(w.sctp.payload), int32(w.sctp.length)
	case fixed:
		const igmp = 2
		protocol := ip[9]
		if !namedProtocol(protocol) {
			return false
		}
		if protocol == igmp {
			p.key.protocol = igmp
		}
	}
	p.setEndpoints(address4(ip[12:]), address4(ip[16:]), srcPort, dstPort)
	return true
}

// optionsReadable reports whether the library reads an IPv4 header of this length (possibly cut)
// without running over its end: it looks at the addresses and goes through the options.
func optionsReadable(ip []byte) bool {
	if len(ip) < 20 {
		return false
	}
	end := int(ip[0]&0xf) * 4
	for i := 20; i < end; i++ {
		if i >= len(ip) {
			return false
		}
		switch kind := ip[i] & 0x1f; {
		case kind == 0: // end of the list
			return true
		case kind == 22 || kind >= 26: // not known to it
			return true
		case kind != 1: // with a length
			if i+1 >= len(ip) {
				return false
			}
			i += int(ip[i+1])
		}
	}
	return true
}

// tcpReadable says the same of a TCP header, of whose options the library looks at the first.
func tcpReadable(tcp []byte) bool {
	if len(tcp) < 16 {
		return false
	}
	if tcp[12]>>4 <= 5 {
		return true
	}
	if len(tcp) < 21 {
		return false
	}
	return tcp[20] <= 1 || len(tcp) >= 22
}

// namedProtocol reports whether the corrected fork's library has a name for an IP protocol; it
// drops packets of the others.
func namedProtocol(protocol uint8) bool {
	switch protocol {
	case 94, 103, 111, 118, 132, 133, 137:
		return true
	}
	return protocol <= 61
}
