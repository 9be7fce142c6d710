package packet

import "encoding/binary"

// radiotapFCS reports that a radiotap header says that the frame ends with a check sequence.
func radiotapFCS(b []byte) bool {
	const tsft, flags, extended, fcsAtEnd = 1 << 0, 1 << 1, 1 << 31, 0x10
	size := min(len(b), int(binary.LittleEndian.Uint16(b[2:])))
	present := binary.LittleEndian.Uint32(b[4:])
	at := 8
	for more := present; more&extended != 0 && at+4 <= size; at += 4 {
		more = binary.LittleEndian.Uint32(b[at:])
	}
	if present&flags == 0 {
		return false
	}
	if present&tsft != 0 {
		at = (at+7)&^7 + 8
	}
	return at < size && b[at]&fcsAtEnd != 0
}

// wlan reads the header of an IEEE 802.11 data frame (IEEE 802.11-2020 section 9.3.2) and LLC/SNAP after it.
// Management and control frames carry no IP; of protected ones nothing can be read.
func (l *layer) wlan(h *Headers, fcs bool) {
	if fcs {
		l.end -= 4
	}
	b := l.left()
	if len(b) < 2 {
		h.Truncated = true
		return
	}
	const data, qos, null = 2, 0x80, 0x40
	const toDS, fromDS, moreFragments, protected, order = 0x01, 0x02, 0x04, 0x40, 0x80
	if b[0]>>2&3 != data || b[0]&null != 0 {
		return
	}
	if b[1]&protected != 0 {
		h.unread = true
		return
	}
	size := 24
	if b[1]&(toDS|fromDS) == toDS|fromDS {
		size += 6
	}
	aggregated := false
	if b[0]&qos != 0 {
		aggregated = len(b) > size && b[size]&0x80 != 0
		size += 2
		if b[1]&order != 0 {
			size += 4
		}
	}
	if len(b) < size {
		h.Truncated = true
		return
	}
	if aggregated || b[1]&moreFragments != 0 || binary.LittleEndian.Uint16(b[22:])&0xf != 0 {
		h.unread = true
		return
	}
	l.at += size
	if l.llc(h) {
		l.etherType(h, h.EtherType)
	}
}

// nflog reads a netfilter log message (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html): its payload is an
// IP datagram.
func (l *layer) nflog(h *Headers) {
	b := l.left()
	if len(b) < 4 {
		h.Truncated = true
		return
	}
	const header, payload = 4, 9
	at := header
	for at+4 <= len(b) {
		// Lengths are in the byte order of the machine that captured.
		size, kind := int(binary.LittleEndian.Uint16(b[at:])), binary.LittleEndian.Uint16(b[at+2:])&0x7fff
		if kind > 0xff {
			size, kind = int(binary.BigEndian.Uint16(b[at:])), binary.BigEndian.Uint16(b[at+2:])&0x7fff
		}
		if size < 4 {
			h.Malformed = true
			return
		}
		if kind == payload {
			l.end = min(l.end, l.at+at+size)
			l.at += at + 4
			if first := l.left(); len(first) > 0 {
				h.EtherType = etherTypeOfVersion(first[0])
			}
			return
		}
		at += (size + 3) &^ 3
	}
	h.Truncated = true
}
