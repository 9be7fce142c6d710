package similarity

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"time"

	"detgen/flow"
	"detgen/packet"
	"detgen/record"
)

// Sample is one sample of traffic: what one capture saw.
type Sample struct {
	Name        string
	Digests     []string     // SHA-256 of the capture; of all captures, when it is a run
	Packets     []Packet     // all frames, in the order of the capture
	Connections []Connection // in the order of their starts

	series   [series]sorted // sizes and gaps
	sequence []symbol       // what each packet is, for the edit distance
	chain    chain          // transitions of the connections' first packets
	windows  []window
}

// Packet is a captured frame without what changes from run to run: addresses, ports, sequence numbers, absolute time.
type Packet struct {
	Time       time.Duration // since the sample's first packet
	Gap        time.Duration // since the connection's packet before; 0 for its first one
	Connection int           // index into Connections, -1 when it belongs to none (ARP)
	Up         bool          // from the side that opened the connection
	EtherType  uint16
	Protocol   uint8           // of the transport; 0 without IP
	Flags      packet.TCPFlags // 0 without TCP
	Payload    int             // bytes after the transport header
	Size       int             // of the frame on the wire, bytes
}

// Connection is a flow of the sample.
type Connection struct {
	Start      time.Duration // since the sample's first packet
	Duration   time.Duration
	Protocol   uint8
	From, To   netip.AddrPort           // From is the side that opened it
	Bytes      uint64                   // of IP datagrams, both ways
	Statistics [flow.Statistics]float64 // CICFlowMeter's, in the order of flow.StatisticNames
	Packets    []int                    // indices into the sample's Packets
}

// Read reads the sample of a capture file, or of a run directory: then the capture of host, from the start of the task on (not its
// warm-up). With no host it is that of the main activity's first script.
func Read(path, host string, o Options) (*Sample, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return readRun(path, host, o)
	case host != "":
		return nil, fmt.Errorf("%s: is a capture, and only run directories have hosts to choose from", path)
	}
	digest, _, err := record.Digest(path)
	if err != nil {
		return nil, err
	}
	reader, err := packet.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := readCapture(reader, path, time.Time{}, o)
	if err != nil {
		return nil, err
	}
	s.Name, s.Digests = path, []string{digest}
	return s, nil
}

func readRun(dir, host string, o Options) (*Sample, error) {
	r, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	r.Unchecked = o.Unchecked
	if host == "" {
		host = r.Run.Activities[0].Scripts[0].Host
	}
	var digests, hosts []string
	var s *Sample
	for _, c := range r.Result.Captures {
		digests = append(digests, c.SHA256)
		hosts = append(hosts, c.Place())
		if c.Place() != host || s != nil {
			continue
		}
		if err := r.CheckCapture(dir, &c); err != nil {
			return nil, err
		}
		file, err := record.OpenCapture(dir, &c)
		if err != nil {
			return nil, err
		}
		reader, err := packet.OpenFile(file)
		if err != nil {
			return nil, err
		}
		if s, err = readCapture(reader, file.Name(), r.Result.Started, o); err != nil {
			return nil, err
		}
	}
	if s == nil {
		return nil, fmt.Errorf("%s: no capture of host %q; there are those of %q", dir, host, hosts)
	}
	s.Name, s.Digests = dir, digests
	return s, nil
}

// readCapture reads the frames that were captured at or after from, and closes r.
func readCapture(r *packet.Reader, path string, from time.Time, o Options) (*Sample, error) {
	defer r.Close()
	after := int64(-1 << 63)
	if !from.IsZero() {
		after = from.UnixNano()
	}
	s, err := newSample(r, after, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// newSample reads a sample from a source of frames, leaving out those before after (ns since the Unix epoch).
func newSample(src flow.Source, after int64, o Options) (*Sample, error) {
	b := builder{sample: &Sample{}, index: map[uint64]int{}}
	meter, err := flow.NewMeter(o.Flow, b.add)
	if err != nil {
		return nil, err
	}
	var f packet.Frame
	var h packet.Headers
	decoder := packet.Decoder{Tunnels: o.Flow.Tunnels}
	for {
		err := src.Next(&f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if f.Time < after {
			continue
		}
		decoder.Decode(&f, &h)
		b.packet(&f, &h, meter.Add(&f))
	}
	meter.Flush()
	b.finish()
	b.sample.derive(o)
	return b.sample, nil
}

// builder makes a sample.
type builder struct {
	sample  *Sample
	index   map[uint64]int // connection by the number of its first frame
	first   int64          // time of the first packet, ns since the Unix epoch
	flows   []uint64       // of each packet: the number of the first frame of its flow, 0 for none
	sources []netip.AddrPort
}

// packet adds a packet of a flow.
func (b *builder) packet(f *packet.Frame, h *packet.Headers, flow uint64) {
	if len(b.sample.Packets) == 0 {
		b.first = f.Time
	}
	p := Packet{Time: time.Duration(f.Time - b.first), Connection: -1, EtherType: h.EtherType, Size: max(f.WireLen, len(f.Data)), Payload: h.Payload}
	if h.IPVersion != 0 {
		p.Protocol = h.Protocol
	}
	if p.Protocol == packet.ProtocolTCP {
		p.Flags = h.Flags
	}
	b.sample.Packets = append(b.sample.Packets, p)
	b.flows = append(b.flows, flow)
	b.sources = append(b.sources, netip.AddrPortFrom(h.Source(), h.SrcPort))
}

// add adds a flow that ended.
func (b *builder) add(f *flow.Flow) {
	b.index[f.FirstFrame()] = len(b.sample.Connections)
	b.sample.Connections = append(b.sample.Connections, Connection{
		Start: time.Duration(f.Start() - b.first), Duration: f.Duration(), Protocol: f.Protocol(),
		From: f.Source(), To: f.Destination(), Bytes: f.IPBytes(flow.Forward) + f.IPBytes(flow.Backward), Statistics: f.Vector(),
	})
}

// finish sorts the connections by their first packets, and gives each its packets.
func (b *builder) finish() {
	s := b.sample
	numbers := make([]uint64, len(s.Connections))
	for number, i := range b.index {
		numbers[i] = number
	}
	order := make([]int, len(numbers))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(numbers[i], numbers[j]) })
	sorted := make([]Connection, len(order))
	for to, from := range order {
		sorted[to] = s.Connections[from]
		b.index[numbers[from]] = to
	}
	s.Connections = sorted
	for i := range s.Packets {
		p := &s.Packets[i]
		to, ok := b.index[b.flows[i]]
		if !ok {
			continue
		}
		c := &s.Connections[to]
		p.Connection, p.Up = to, b.sources[i] == c.From
		if n := len(c.Packets); n > 0 {
			p.Gap = p.Time - s.Packets[c.Packets[n-1]].Time
		}
		c.Packets = append(c.Packets, i)
	}
}

// derive computes what comparisons need again and again.
func (s *Sample) derive(o Options) {
	s.fillSeries()
	for _, p := range s.Packets {
		s.sequence = append(s.sequence, newSymbol(p))
	}
	s.chain = newChain(s, o.Packets)
	s.windows = s.makeWindows(o.Window)
}
