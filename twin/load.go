package twin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"

	"detgen/packet"
	"detgen/record"
)

// frame is one captured frame and what it is in terms that two runs share: roles instead of
// addresses, positions in streams instead of sequence numbers.
type frame struct {
	number uint64
	time   int64 // ns since the Unix epoch
	data   []byte
	wire   int

	flow   string // "client>server tcp/80 #1 up": conversation and direction
	part   string // what it is within that: "data 0+1448", "ack", "syn"
	copies int    // how many frames with the same flow and part came before it
	ack    bool   // a bare acknowledgement: how many there are is a matter of timing
}

// key identifies the frame among those of its capture.
func (f *frame) key() string { return fmt.Sprintf("%s %s %d", f.flow, f.part, f.copies) }

// capture is one capture file of a run.
type capture struct {
	host, iface string
	frames      []frame
}

// load reads the captures of a run directory.
func load(dir string) (*record.Record, []capture, error) {
	r, err := record.Read(dir)
	if err != nil {
		return nil, nil, err
	}
	names := map[netip.Addr]string{}
	for _, h := range r.Run.Hosts {
		for _, i := range h.Interfaces {
			for _, a := range i.Addresses() {
				names[a.Addr()] = h.Name
			}
		}
	}
	var captures []capture
	for _, c := range r.Result.Captures {
		if c.IsTap() {
			continue // what it shows, the hosts' show better; it is behind them in the list
		}
		if err := r.CheckCapture(dir, &c); err != nil {
			return nil, nil, err
		}
		frames, err := readFrames(dir, &c, names)
		if err != nil {
			return nil, nil, fmt.Errorf("capture of host %q: %w", c.Host, err)
		}
		captures = append(captures, capture{c.Host, c.Interface, frames})
	}
	return r, captures, nil
}

func readFrames(dir string, c *record.Capture, names map[netip.Addr]string) ([]frame, error) {
	file, err := record.OpenCapture(dir, c)
	if err != nil {
		return nil, err
	}
	reader, err := packet.OpenFile(file)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var frames []frame
	n := namer{hosts: names, flows: map[conversation]*flow{}, opened: map[string]int{}}
	seen := map[string]int{}
	for {
		var f packet.Frame
		if err := reader.Next(&f); errors.Is(err, io.EOF) {
			return frames, nil
		} else if err != nil {
			return nil, err
		}
		out := frame{number: f.Number, time: f.Time, data: bytes.Clone(f.Data), wire: f.WireLen}
		n.name(&f, &out)
		id := out.flow + " " + out.part
		out.copies = seen[id]
		seen[id]++
		frames = append(frames, out)
	}
}

// conversation is a pair of endpoints, the smaller one first.
type conversation struct {
	a, b     netip.AddrPort
	protocol uint8
}

// flow is what is known of a conversation: who opened it, and where its streams start.
type flow struct {
	name   string
	opener netip.AddrPort
	start  [2]uint32 // sequence number that position 0 has, of the opener's stream and the other
	known  [2]bool
}

// namer names frames by role and position.
type namer struct {
	hosts  map[netip.Addr]string
	flows  map[conversation]*flow
	opened map[string]int // how many conversations have the same hosts, protocol and port
}

func (n *namer) host(a netip.Addr) string {
	if name, ok := n.hosts[a]; ok {
		return name
	}
	return a.String() // broadcast, multicast, a corrupted address
}

func (n *namer) name(f *packet.Frame, out *frame) {
	var h packet.Headers
	packet.Decode(f, &h)
	if h.IPVersion == 0 {
		out.flow = fmt.Sprintf("ethertype %#04x", h.EtherType)
		if h.EtherType == packet.EtherTypeARP {
			out.flow = fmt.Sprintf("arp %s>%s", n.host(address(&h, h.SrcIP)), n.host(address(&h, h.DstIP)))
		}
		out.part = fmt.Sprintf("%d bytes", f.WireLen)
		return
	}
	source := netip.AddrPortFrom(address(&h, h.SrcIP), h.SrcPort)
	target := netip.AddrPortFrom(address(&h, h.DstIP), h.DstPort)
	c := conversation{source, target, h.Protocol}
	if c.b.Compare(c.a) < 0 {
		c.a, c.b = c.b, c.a
	}
	known := n.flows[c]
	fresh := h.Protocol == packet.ProtocolTCP && h.Flags&(packet.SYN|packet.ACK) == packet.SYN
	if known == nil || fresh && known.known[0] && known.start[0] != h.Seq {
		kind := fmt.Sprintf("%s>%s %s", n.host(source.Addr()), n.host(target.Addr()), service(&h))
		n.opened[kind]++
		known = &flow{name: fmt.Sprintf("%s #%d", kind, n.opened[kind]), opener: source}
		n.flows[c] = known
	}
	side, direction := 0, "out"
	if source != known.opener {
		side, direction = 1, "back"
	}
	out.flow = known.name + " " + direction
	if h.Protocol != packet.ProtocolTCP {
		out.part = fmt.Sprintf("%d bytes", h.IPLength)
		return
	}
	if !known.known[side] {
		known.known[side], known.start[side] = true, h.Seq
	}
	position := int32(h.Seq - known.start[side])
	flags := ""
	for _, f := range []struct {
		flag packet.TCPFlags
		name string
	}{{packet.SYN, "syn"}, {packet.FIN, "fin"}, {packet.RST, "rst"}} {
		if h.Flags&f.flag != 0 {
			flags += f.name + " "
		}
	}
	switch {
	case h.Payload > 0:
		out.part = fmt.Sprintf("%sdata %d+%d", flags, position, h.Payload)
	case flags != "":
		out.part = fmt.Sprintf("%s%d", flags, position)
	default:
		out.part, out.ack = fmt.Sprintf("ack %d", int32(h.Ack-known.start[1-side])), true
	}
}

func address(h *packet.Headers, a [16]byte) netip.Addr {
	if h.IPVersion == 6 {
		return netip.AddrFrom16(a)
	}
	return netip.AddrFrom4([4]byte(a[:4]))
}

// service names the protocol and the port that the opener addressed.
func service(h *packet.Headers) string {
	switch h.Protocol {
	case packet.ProtocolTCP:
		return fmt.Sprintf("tcp/%d", h.DstPort)
	case packet.ProtocolUDP:
		return fmt.Sprintf("udp/%d", h.DstPort)
	case packet.ProtocolICMP:
		return "icmp"
	case packet.ProtocolICMPv6:
		return "icmpv6"
	}
	return fmt.Sprintf("ip/%d", h.Protocol)
}
