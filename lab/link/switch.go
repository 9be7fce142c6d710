package link

import (
	"fmt"
	"net"

	"detgen/record"
)

// macTable is where a network's switch knows stations to be.
type macTable map[mac]*softPort

// mac is an Ethernet address; its first byte is the most significant of the 48 bits.
type mac uint64

func macAt(b []byte) mac {
	return mac(b[0])<<40 | mac(b[1])<<32 | mac(b[2])<<24 | mac(b[3])<<16 | mac(b[4])<<8 | mac(b[5])
}

// String gives the usual form: six bytes with colons between them.
func (m mac) String() string {
	return net.HardwareAddr{byte(m >> 40), byte(m >> 32), byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}.String()
}

// group says whether m is a multicast address or the broadcast address.
func (m mac) group() bool { return m>>40&1 != 0 }

// linkLocal says whether m is one of the addresses that no bridge forwards (IEEE 802.1Q,
// table 8-1: 01-80-c2-00-00-0x).
func (m mac) linkLocal() bool { return m>>4 == 0x0180c200000 }

func (t macTable) learn(m mac, p *softPort) {
	if t[m] != p {
		t[m] = p
	}
}

func (p *softPort) hardwareAddress() mac {
	address, _ := net.ParseMAC(p.MAC) // check has seen that it parses
	return macAt(address)
}

// forward is the switch: it does what the kernel's bridge does with multicast snooping and
// spanning tree off (net/bridge/br_input.c, br_forward.c). It takes the frame.
func (s *softSwitch) forward(from *softPort, f *frame, now int64) {
	s.monitor(from.Network, f)
	if len(f.data) < 14 {
		s.lose(f, record.NotForwarded)
		return
	}
	destination, source := macAt(f.data), macAt(f.data[6:])
	if source.group() || source == 0 || destination.linkLocal() {
		s.lose(f, record.NotForwarded)
		return
	}
	from.macs.learn(source, from)
	if !destination.group() {
		switch to := from.macs[destination]; {
		case to == nil:
		case to == from:
			s.lose(f, record.NotForwarded)
			return
		case !to.takes(f):
			s.lose(f, record.TooLong)
			return
		default:
			s.enter(to.down, f, now)
			return
		}
	}
	for _, to := range from.peers {
		if to.takes(f) {
			s.enter(to.down, s.pool.clone(f), now)
		}
	}
	s.pool.put(f)
}

// monitor shows a frame that has come into the switch to the monitor port of the network, if it has one. One that the port
// does not take ends the switch: a capture of it would not be whole.
func (s *softSwitch) monitor(network string, f *frame) {
	tap, ok := s.monitors[network]
	if !ok {
		return
	}
	if errno := writeFrame(tap, f.buffer[s.skip():virtioHeaderSize+len(f.data)]); errno != 0 && s.broken == nil {
		s.broken = fmt.Errorf("tap of network %q: write a frame of %d bytes: %w", network, len(f.data), errno)
	}
}

// takes says whether a frame is short enough for a port; a VLAN tag does not count.
func (p *softPort) takes(f *frame) bool {
	limit := p.MTU + 14
	if f.data[12] == 0x81 && f.data[13] == 0 {
		limit += 4
	}
	return f.longestSegment() <= limit
}
