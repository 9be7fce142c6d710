package packet

import "encoding/binary"

// Decoder decodes headers. Its zero value reads the outermost IP header.
type Decoder struct {
	// Tunnels makes it read through IPv4 and IPv6 in IP (RFC 2003, RFC 2473, RFC 4213), MPLS in IP (RFC 4023),
	// GRE (RFC 2784, also with Ethernet or ERSPAN inside), VXLAN, GENEVE and GTP-U, to the innermost IP header.
	Tunnels bool
}

// Decode reads the headers of f with the zero Decoder.
func Decode(f *Frame, h *Headers) { Decoder{}.Decode(f, h) }

// Decode fills h, whatever it held, from the frame. Where lengths disagree it does what
// Wireshark does. It allocates nothing and keeps nothing of f.
func (d Decoder) Decode(f *Frame, h *Headers) {
	if d.Tunnels || !common(f, h) {
		d.decode(f, h)
	}
}

// decode decodes any frame.
func (d Decoder) decode(f *Frame, h *Headers) {
	*h = Headers{}
	l := layer{data: f.Data, end: max(f.WireLen, len(f.Data))}
	if f.LinkType == LinkEthernet && len(f.Data) >= 14 {
		l.at = 14
		h.EtherType = binary.BigEndian.Uint16(f.Data[12:])
		if h.EtherType != EtherTypeIPv4 && h.EtherType != EtherTypeIPv6 {
			l.etherType(h, h.EtherType)
		}
	} else {
		l.link(h, f.LinkType)
	}
	switch h.EtherType {
	case EtherTypeIPv4, EtherTypeIPv6:
		d.ip(&l, h)
	case EtherTypeARP:
		l.arp(h)
	}
}

// layer is a place in a frame.
type layer struct {
	data []byte // of the frame, captured
	at   int    // where the layer starts
	end  int    // where it ends on the wire; may be after the end of data
}

// left is what was captured from the layer's start on.
func (l *layer) left() []byte {
	end := min(len(l.data), l.end)
	if l.at > end { // a header that claims more than there is, on the wire or captured
		return nil
	}
	return l.data[l.at:end]
}

// ip reads an IP header and what follows it.
func (d Decoder) ip(l *layer, h *Headers) {
	next, ok := l.ip(h)
	if !ok {
		return
	}
	if d.Tunnels {
		for range maxTunnels {
			inner := *h
			if next, ok = l.tunnel(&inner, next); !ok {
				break
			}
			if *h = inner; h.Fragment == LaterFragment {
				return
			}
		}
	}
	l.transport(h)
}

// ip reads an IPv4 or IPv6 header with its extensions; l then is the payload of the datagram,
// whose protocol is next. ok is false when there is none that could be read.
func (l *layer) ip(h *Headers) (next uint8, ok bool) {
	b := l.left()
	if len(b) == 0 {
		h.Truncated = true
		return 0, false
	}
	// The version decides, as frames do come with IPv6 under the type of IPv4.
	switch {
	case b[0]>>4 == 4:
		return l.ipv4(b, h)
	case b[0]>>4 == 6:
		return l.ipv6(b, h)
	}
	h.Malformed = true
	return 0, false
}

// ipv4 reads an IPv4 header (RFC 791).
func (l *layer) ipv4(b []byte, h *Headers) (next uint8, ok bool) {
	h.IPOffset = l.at
	size := int(b[0]&0xf) * 4
	if size < 20 {
		h.IPVersion, h.Malformed = 4, true
		return 0, false
	}
	if len(b) < size {
		h.IPVersion, h.Truncated = 4, true
		if len(b) < 20 {
			cut4(b, h)
			return 0, false
		}
	}
	h.IPVersion, h.ipRead = 4, 20
	total := int(binary.BigEndian.Uint16(b[2:]))
	wire := l.end - l.at
	if total < size {
		if total != 0 {
			h.ipRead, h.IPLength, h.Malformed = 4, total, true
			return 0, false
		}
		total = wire // segmentation offload leaves it 0
	}
	h.IPLength = total
	h.IPID = binary.BigEndian.Uint16(b[4:])
	h.TTL = b[8]
	h.Protocol = b[9]
	*(*[4]byte)(h.SrcIP[:]) = [4]byte(b[12:])
	*(*[4]byte)(h.DstIP[:]) = [4]byte(b[16:])
	if size > 20 {
		sourceRoute(b[20:min(size, len(b))], h)
	}
	if total < wire {
		h.Padding = wire - total
		l.end = l.at + total
	}
	l.at += size
	if place := binary.BigEndian.Uint16(b[6:]); place&0x3fff != 0 {
		if place&0x1fff != 0 {
			h.Fragment = LaterFragment
			h.Segment = max(0, l.end-l.at)
			h.Payload = h.Segment
			return 0, false
		}
		h.Fragment = FirstFragment
	}
	if h.Protocol == protocolAH {
		h.Protocol = l.extensions(h, h.Protocol)
	}
	return h.Protocol, h.Fragment != LaterFragment && !h.Truncated
}

// cut4 reads what there is of a cut IPv4 header.
func cut4(b []byte, h *Headers) {
	h.ipRead = uint8(len(b))
	if len(b) >= 4 {
		h.IPLength = int(binary.BigEndian.Uint16(b[2:]))
	}
	if len(b) >= 6 {
		h.IPID = binary.BigEndian.Uint16(b[4:])
	}
	if len(b) >= 10 {
		h.TTL, h.Protocol = b[8], b[9]
	}
	if len(b) >= 16 {
		copy(h.SrcIP[:4], b[12:16])
	}
}

// sourceRoute sets the destination of a datagram with a source route option (RFC 791) to
// the last address of the route: the header's own is only the next stop.
func sourceRoute(options []byte, h *Headers) {
	const (
		end    = 0
		noop   = 1
		loose  = 131
		strict = 137
	)
	for len(options) > 0 && options[0] != end {
		if options[0] == noop {
			options = options[1:]
			continue
		}
		if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
			return
		}
		option := options[:options[1]]
		options = options[len(option):]
		if option[0] != loose && option[0] != strict {
			continue
		}
		if len(option) < 7 || option[2] < 4 || option[2]&3 != 0 || int(option[2]) > len(option) {
			return
		}
		copy(h.DstIP[:4], option[len(option)-4:])
		return
	}
}

// ipv6 reads an IPv6 header and its extension headers (RFC 8200).
func (l *layer) ipv6(b []byte, h *Headers) (next uint8, ok bool) {
	h.IPOffset = l.at
	h.IPVersion = 6
	if len(b) < 40 {
		h.Truncated = true
		cut6(b, h)
		return 0, false
	}
	h.ipRead = 40
	payload := int(binary.BigEndian.Uint16(b[4:]))
	next = b[6]
	h.Protocol = next
	h.TTL = b[7]
	h.SrcIP = [16]byte(b[8:])
	h.DstIP = [16]byte(b[24:])
	wire := l.end - l.at - 40
	if payload == 0 {
		switch next {
		case protocolHopByHop:
			if payload = jumbo(b[40:]); payload == 0 {
				h.Malformed = true
			}
		case protocolNoNext:
		default:
			payload = wire // segmentation offload leaves it 0
		}
	}
	h.IPLength = 40 + payload
	if payload < wire {
		h.Padding = wire - payload
		l.end = l.at + 40 + payload
	}
	l.at += 40
	switch next {
	case ProtocolTCP, ProtocolUDP, ProtocolICMPv6:
		return next, true
	}
	h.Protocol = l.extensions(h, next)
	return h.Protocol, h.Fragment != LaterFragment && !h.Truncated && !h.Malformed
}

// cut6 reads what there is of a cut IPv6 header.
func cut6(b []byte, h *Headers) {
	h.ipRead = uint8(len(b))
	if len(b) >= 6 {
		h.IPLength = 40 + int(binary.BigEndian.Uint16(b[4:]))
	}
	if len(b) >= 8 {
		h.Protocol, h.TTL = b[6], b[7]
	}
	if len(b) >= 24 {
		h.SrcIP = [16]byte(b[8:])
	}
}

// Protocol numbers of extension headers.
const (
	protocolHopByHop    = 0
	protocolRouting     = 43
	protocolFragment    = 44
	protocolAH          = 51
	protocolNoNext      = 59
	protocolDestination = 60
	protocolMobility    = 135
	protocolHIP         = 139
	protocolShim6       = 140
)

// extensions passes over extension headers and gives the protocol after them.
func (l *layer) extensions(h *Headers, next uint8) uint8 {
	for {
		b := l.left()
		size := 8
		switch next {
		default:
			return next
		case protocolHopByHop, protocolRouting, protocolDestination, protocolMobility, protocolHIP, protocolShim6:
			if len(b) >= 2 {
				size = 8 + int(b[1])*8
			}
		case protocolAH:
			if len(b) >= 2 {
				size = 8 + int(b[1])*4
			}
		case protocolFragment:
		}
		if len(b) < size {
			h.Truncated = l.at+size > len(l.data)
			h.Malformed = h.Malformed || !h.Truncated
			return next
		}
		if next == protocolFragment {
			if place := binary.BigEndian.Uint16(b[2:]); place&0xfff8 != 0 {
				h.Fragment = LaterFragment
			} else if place&1 != 0 {
				h.Fragment = FirstFragment
			}
		}
		next = b[0]
		l.at += size
		if h.Fragment == LaterFragment {
			h.Segment = max(0, l.end-l.at)
			h.Payload = h.Segment
			return next
		}
		if next == protocolNoNext {
			return next
		}
	}
}

// jumbo gives the payload length of a jumbogram (RFC 2675) from its hop-by-hop header, 0 when
// it is none.
func jumbo(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	b = b[2:min(len(b), 8+int(b[1])*8)]
	for len(b) >= 2 {
		const pad1, jumboPayload = 0, 0xc2
		if b[0] == pad1 {
			b = b[1:]
			continue
		}
		if b[0] == jumboPayload && b[1] == 4 && len(b) >= 6 {
			return int(binary.BigEndian.Uint32(b[2:]))
		}
		b = b[min(len(b), 2+int(b[1])):]
	}
	return 0
}

// transport reads the header after IP.
func (l *layer) transport(h *Headers) {
	b := l.left()
	length := max(0, l.end-l.at)
	h.L4Offset = l.at
	h.Segment = length
	switch h.Protocol {
	case ProtocolTCP:
		l.tcp(b, length, h)
	case ProtocolUDP, ProtocolUDPLite:
		ports(b, 8, length, h)
	case ProtocolDCCP:
		size := 12
		if len(b) > 4 {
			size = max(size, int(b[4])*4)
		}
		ports(b, size, length, h)
	case ProtocolSCTP:
		ports(b, 12, length, h)
	case ProtocolICMP, ProtocolICMPv6:
		if len(b) >= 2 {
			h.ICMPType, h.ICMPCode = b[0], b[1]
		}
		header(b, 8, length, h)
	default:
		h.Payload = length
	}
}

// ports reads the ports that UDP, UDP-Lite, SCTP and DCCP start with.
func ports(b []byte, size, length int, h *Headers) {
	if len(b) >= 2 {
		h.SrcPort = binary.BigEndian.Uint16(b)
	}
	if len(b) >= 4 {
		h.DstPort = binary.BigEndian.Uint16(b[2:])
	}
	header(b, size, length, h)
}

// header sets the lengths for a transport header of a size in a segment of a length.
func header(b []byte, size, length int, h *Headers) {
	switch {
	case length < size:
		h.Malformed = true
		return
	case len(b) < size:
		h.Truncated = true
	default:
		h.L4Length = size
	}
	h.Payload = length - size
}

// tcp reads a TCP header (RFC 9293). Wireshark goes on with one that claims less than 20 bytes, so its
// fields and the payload by its word are there too.
func (l *layer) tcp(b []byte, length int, h *Headers) {
	if len(b) < 20 {
		h.Truncated = len(b) < length
		h.Malformed = !h.Truncated
		if len(b) < 16 {
			cutTCP(b, h)
			return
		}
	}
	b = b[:16:len(b)]
	h.SrcPort = binary.BigEndian.Uint16(b)
	h.DstPort = binary.BigEndian.Uint16(b[2:])
	h.Seq = binary.BigEndian.Uint32(b[4:])
	h.Ack = binary.BigEndian.Uint32(b[8:])
	h.Flags = tcpFlags(b)
	h.Window = binary.BigEndian.Uint16(b[14:])
	h.tcp = true
	size := int(b[12]>>4) * 4
	h.L4Length = size
	h.Payload = length - size
	if size < 20 || size > length {
		h.Malformed = true
		h.Payload = max(0, h.Payload)
	}
	h.Truncated = h.Truncated || size > cap(b)
	if size > 20 || size == 20 && h.Flags&SYN != 0 {
		h.options = readOptions(l.data, h)
	}
}

// cutTCP reads what there is of a TCP header that is cut before its window.
func cutTCP(b []byte, h *Headers) {
	if len(b) >= 2 {
		h.SrcPort = binary.BigEndian.Uint16(b)
	}
	if len(b) >= 4 {
		h.DstPort = binary.BigEndian.Uint16(b[2:])
	}
	if len(b) >= 8 {
		h.Seq = binary.BigEndian.Uint32(b[4:])
	}
	if len(b) >= 12 {
		h.Ack = binary.BigEndian.Uint32(b[8:])
	}
	if len(b) >= 14 {
		h.Flags = tcpFlags(b)
	}
}

// tcpFlags reads the flags and the reserved bits before them from a TCP header.
func tcpFlags(b []byte) TCPFlags { return TCPFlags(b[12]&0xf)<<8 | TCPFlags(b[13]) }

// arp reads the protocol addresses of ARP for IPv4 (RFC 826).
func (l *layer) arp(h *Headers) {
	b := l.left()
	if len(b) < 8 {
		h.Truncated = true
		return
	}
	if binary.BigEndian.Uint16(b[2:]) != EtherTypeIPv4 || b[5] != 4 {
		return
	}
	hardware := int(b[4])
	if len(b) < 8+2*hardware+8 {
		h.Truncated = true
		return
	}
	h.ARPOpcode = b[7]
	copy(h.SrcIP[:4], b[8+hardware:])
	copy(h.DstIP[:4], b[8+hardware+4+hardware:])
}
