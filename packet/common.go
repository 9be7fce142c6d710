package packet

import "encoding/binary"

// common decodes the frames that most captures consist of: TCP or UDP over IPv4 without options, whole, over Ethernet
// without tags. It returns false for any other frame, and h is undefined then. It gives the same headers as the
// general decoder, in half the time.
func common(f *Frame, h *Headers) bool {
	const (
		ip       = 14
		l4       = ip + 20
		fragment = 0x3fff
	)
	b := f.Data
	if f.LinkType != LinkEthernet || len(b) < l4+8 || binary.BigEndian.Uint32(b[12:])>>8 != EtherTypeIPv4<<8|0x45 {
		return false
	}
	total := int(binary.BigEndian.Uint16(b[ip+2:]))
	wire := max(f.WireLen, len(b)) - ip
	if total < 28 || total > wire || binary.BigEndian.Uint16(b[ip+6:])&fragment != 0 {
		return false
	}
	*h = Headers{}
	h.EtherType = EtherTypeIPv4
	h.IPVersion, h.ipRead = 4, 20
	h.Protocol = b[ip+9]
	h.TTL = b[ip+8]
	h.IPID = binary.BigEndian.Uint16(b[ip+4:])
	*(*[4]byte)(h.SrcIP[:]) = [4]byte(b[ip+12:])
	*(*[4]byte)(h.DstIP[:]) = [4]byte(b[ip+16:])
	h.IPOffset = ip
	h.IPLength = total
	h.Padding = wire - total
	h.L4Offset = l4
	h.Segment = total - 20
	h.SrcPort = binary.BigEndian.Uint16(b[l4:])
	h.DstPort = binary.BigEndian.Uint16(b[l4+2:])
	switch h.Protocol {
	case ProtocolUDP:
		h.L4Length = 8
	case ProtocolTCP:
		if len(b) < l4+20 {
			return false
		}
		h.L4Length = int(b[l4+12]>>4) * 4
		if h.L4Length < 20 || h.L4Length > h.Segment || l4+h.L4Length > len(b) {
			return false
		}
		h.Seq = binary.BigEndian.Uint32(b[l4+4:])
		h.Ack = binary.BigEndian.Uint32(b[l4+8:])
		h.Flags = tcpFlags(b[l4:])
		h.Window = binary.BigEndian.Uint16(b[l4+14:])
		h.tcp = true
		if h.L4Length > 20 || h.Flags&SYN != 0 {
			h.options = readOptions(b, h)
		}
	default:
		return false
	}
	h.Payload = h.Segment - h.L4Length
	return true
}
