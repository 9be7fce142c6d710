package truth

import (
	"encoding/binary"

	"detgen/packet"
)

// datagram stands for what a router leaves as it is of a frame's IP packet, 0 when there is
// none: everything but the time to live and the checksum over it.
func datagram(in *packet.Frame, h *packet.Headers) uint64 {
	const k = 0x9e3779b97f4a7c15
	var changes int // where the 8-byte word with the changed fields starts
	switch {
	case h.IPVersion == 4 && len(in.Data) >= h.IPOffset+20:
		changes = 8 // time to live, protocol, checksum, half of the source address
	case h.IPVersion == 6 && len(in.Data) >= h.IPOffset+40:
		changes = 0 // version, class, label, length, next header, hop limit
	default:
		return 0
	}
	b := in.Data[h.IPOffset:]
	sum := uint64(h.IPVersion)
	for i := 0; len(b) > 0; i += 8 {
		var last [8]byte
		word := last[:]
		if len(b) >= 8 {
			word, b = b[:8], b[8:]
		} else {
			copy(word, b)
			b = nil
		}
		w := binary.LittleEndian.Uint64(word)
		if i == changes {
			if h.IPVersion == 4 {
				w &^= 0xffff00ff
			} else {
				w &^= 0xff << 56
			}
		}
		sum = fold(sum^w, k)
	}
	return sum | 1
}

// hops finds, for each frame that a forwarding host sent, the frame that it had received: the first
// one before it with the same datagram that has not gone on yet.
func (t *Truth) hops() {
	for host, forwards := range t.net.forwards {
		if !forwards {
			continue
		}
		came := map[uint64][]Ref{}
		var captures []int
		for i, c := range t.Captures {
			if t.net.stations[c.station].host == host {
				captures = append(captures, i)
			}
		}
		for _, r := range t.order(captures, false) {
			if !t.forwardable(r) {
				continue
			}
			d := t.Captures[r.Capture()].datagrams[r.Index()]
			came[d] = append(came[d], r)
		}
		for _, r := range t.order(captures, true) {
			f, d := t.Frame(r), t.Captures[r.Capture()].datagrams[r.Index()]
			queue := came[d]
			if d == 0 || len(queue) == 0 || t.Frame(queue[0]).Time > f.Time {
				continue
			}
			came[d] = queue[1:]
			f.Hop = queue[0]
			t.Frame(queue[0]).Hop = r
		}
	}
}

// forwardable reports whether a host forwards a received frame: the addresses and the IP header, which
// has a checksum, must be as they were sent; the rest need not.
func (t *Truth) forwardable(r Ref) bool {
	const source, ip, ipEnd = 6 * 8, 12 * 8, (14 + 20) * 8
	for _, bit := range t.Damage(r) {
		if bit < source || bit >= ip && bit < ipEnd {
			return false
		}
	}
	return true
}
