package packet

import "encoding/binary"

// Quoted reads the headers of the datagram that an ICMP or ICMPv6 error quotes, and says
// whether h is such an error and quotes an IP header. Fields that the quote does not reach are 0.
func Quoted(f *Frame, h, quoted *Headers) bool {
	at := h.L4Offset + 8
	if h.Fragment == LaterFragment || h.L4Length != 8 || at >= len(f.Data) {
		return false
	}
	end := h.L4Offset + h.Segment
	b := f.Data[at:min(len(f.Data), max(end, at))]
	switch {
	case len(b) < 4:
		return false
	case h.IPVersion == 4 && h.Protocol == ProtocolICMP:
		const unreachable, quench, redirect, timeExceeded, parameter = 3, 4, 5, 11, 12
		switch h.ICMPType {
		case redirect:
			end = min(end, at+int(b[0]&0xf)*4+8)
		case unreachable, quench, timeExceeded, parameter:
			// RFC 4884: the length of the quote in 32-bit words, when extensions follow it.
			words := int(f.Data[h.L4Offset+5])
			if size := words * 4; words > 0 && end > at+size && int(binary.BigEndian.Uint16(b[2:])) > size {
				end = min(end, at+int(b[0]&0xf)*4+size)
			}
		default:
			return false
		}
	case h.IPVersion == 6 && h.Protocol == ProtocolICMPv6:
		if h.ICMPType == 0 || h.ICMPType > 4 || b[0]>>4 != 6 {
			return false
		}
	default:
		return false
	}
	*quoted = Headers{}
	l := layer{data: f.Data, at: at, end: end}
	Decoder{}.ip(&l, quoted)
	return quoted.IPVersion != 0
}
