package flow

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"detgen/packet"
)

// capture is a Source of frames made by a test.
type capture struct {
	frames []packet.Frame
	next   int
}

func (c *capture) Next(f *packet.Frame) error {
	if c.next == len(c.frames) {
		return io.EOF
	}
	*f = c.frames[c.next]
	c.next++
	return nil
}

// again reads from the start.
func (c *capture) again() *capture { return &capture{frames: c.frames} }

// add adds a whole frame at a time since the Unix epoch.
func (c *capture) add(at time.Duration, data []byte) *capture {
	c.frames = append(c.frames, packet.Frame{Number: uint64(len(c.frames) + 1), Time: int64(at), Data: data, WireLen: len(data), LinkType: packet.LinkEthernet})
	return c
}

var (
	stationA = []byte{2, 0, 0, 0, 0, 1}
	stationB = []byte{2, 0, 0, 0, 0, 2}
)

// ethernet makes a frame.
func ethernet(kind uint16, payload []byte) []byte {
	b := append(append([]byte{}, stationB...), stationA...)
	b = binary.BigEndian.AppendUint16(b, kind)
	return append(b, payload...)
}

// padded fills a frame up to a length.
func padded(b []byte, length int) []byte {
	for len(b) < length {
		b = append(b, 0)
	}
	return b
}

// ip makes an IPv4 or IPv6 datagram.
func ip(src, dst string, protocol uint8, payload []byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	if s.Is4() {
		b := make([]byte, 20, 20+len(payload))
		b[0], b[5], b[8], b[9] = 0x45, 1, 64, protocol
		binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
		copy(b[12:], s.AsSlice())
		copy(b[16:], d.AsSlice())
		return append(b, payload...)
	}
	b := make([]byte, 40, 40+len(payload))
	b[0], b[6], b[7] = 0x60, protocol, 64
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	copy(b[8:], s.AsSlice())
	copy(b[24:], d.AsSlice())
	return append(b, payload...)
}

// piece makes an IPv4 datagram a fragment: offset in bytes.
func piece(datagram []byte, offset int, more bool) []byte {
	place := uint16(offset / 8)
	if more {
		place |= 0x2000
	}
	binary.BigEndian.PutUint16(datagram[6:], place)
	return datagram
}

// segmentOf describes a TCP segment.
type segmentOf struct {
	src, dst uint16
	seq, ack uint32
	flags    packet.TCPFlags
	window   uint16
	payload  int
	options  []byte
}

func (s segmentOf) bytes() []byte {
	b := make([]byte, 20+len(s.options)+s.payload)
	binary.BigEndian.PutUint16(b, s.src)
	binary.BigEndian.PutUint16(b[2:], s.dst)
	binary.BigEndian.PutUint32(b[4:], s.seq)
	binary.BigEndian.PutUint32(b[8:], s.ack)
	b[12] = byte(20+len(s.options)) / 4 << 4
	b[13] = byte(s.flags)
	binary.BigEndian.PutUint16(b[14:], s.window)
	copy(b[20:], s.options)
	return b
}

// udp makes a UDP datagram.
func udp(src, dst uint16, payload int) []byte {
	b := make([]byte, 8+payload)
	binary.BigEndian.PutUint16(b, src)
	binary.BigEndian.PutUint16(b[2:], dst)
	binary.BigEndian.PutUint16(b[4:], uint16(8+payload))
	return b
}

// icmp makes an ICMP message.
func icmp(kind, code uint8, rest []byte) []byte {
	return append([]byte{kind, code, 0, 0, 0, 0, 0, 0}, rest...)
}

// vlan puts a VLAN tag before the payload of a frame of the given type.
func vlan(id, kind uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = binary.BigEndian.AppendUint16(b, kind)
	return ethernet(0x8100, append(b, payload...))
}
