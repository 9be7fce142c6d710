package flowset

import (
	"net/netip"

	"detgen/dataset/service"
	"detgen/flow"
	"detgen/packet"
)

// maxSniffed bounds how many connections' first bytes are kept: 150 MB.
const maxSniffed = 200_000

// sniffer passes the frames of a capture on and keeps the first bytes of each connection's payload.
type sniffer struct {
	flow.Source
	headers packet.Headers
	first   map[endpoints]*payload
}

// endpoints are a connection's two ends, the lower one first, and its protocol.
type endpoints struct {
	a, b     netip.AddrPort
	protocol uint8
}

// payload is what each end sent first, a's and b's.
type payload [2][]byte

func (s *sniffer) Next(f *packet.Frame) error {
	if err := s.Source.Next(f); err != nil {
		return err
	}
	h := &s.headers
	packet.Decode(f, h)
	if h.Payload <= 0 || h.L4Offset == 0 || h.L4Length == 0 || h.Fragment == packet.LaterFragment {
		return nil
	}
	begin := h.L4Offset + h.L4Length
	if begin >= len(f.Data) {
		return nil
	}
	key, swapped := between(address(h.IPVersion, h.SrcIP, h.SrcPort), address(h.IPVersion, h.DstIP, h.DstPort), h.Protocol)
	p := s.first[key]
	if p == nil {
		if len(s.first) == maxSniffed {
			return nil
		}
		p = &payload{}
		s.first[key] = p
	}
	side := &p[0]
	if swapped {
		side = &p[1]
	}
	if *side == nil {
		*side = append([]byte(nil), f.Data[begin:min(begin+min(h.Payload, service.Enough), len(f.Data))]...)
	}
	return nil
}

// of gives what a connection's first bytes say: its service, and the programs of the server and the client; "" for what
// they do not say.
func (s *sniffer) of(client, server netip.AddrPort, protocol uint8) (name, serves, asks string) {
	key, swapped := between(client, server, protocol)
	p := s.first[key]
	if p == nil {
		return "", "", ""
	}
	c, v := p[0], p[1]
	if swapped {
		c, v = v, c
	}
	found := service.Recognise(protocol, c, v)
	if found == nil {
		return "", "", ""
	}
	return found.Name, service.Implementation(found, v), service.Client(found, c)
}

func between(from, to netip.AddrPort, protocol uint8) (key endpoints, swapped bool) {
	if to.Compare(from) < 0 {
		return endpoints{to, from, protocol}, true
	}
	return endpoints{from, to, protocol}, false
}

func address(version uint8, ip [16]byte, port uint16) netip.AddrPort {
	if version == 4 {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[:4])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(ip), port)
}
