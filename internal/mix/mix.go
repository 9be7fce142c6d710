// Package mix makes captures for benchmarks: many connections at once, of TCP and UDP over IPv4 and IPv6, with
// handshakes, acknowledgements, losses, reordering and closes. The same Spec always gives the same bytes. The packets
// carry zeros; their lengths, times and headers are what matters.
package mix

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Spec describes the capture to make.
type Spec struct {
	Connections int
	Packets     int           // about how many, all connections together; at least 10 a connection are reasonable
	Span        time.Duration // in which the connections start
	Seed        uint64
}

// Bench is the mix of docs/performance.md: 1.5 million packets, 60 thousand connections in a minute.
func Bench() Spec {
	return Spec{Connections: 60_000, Packets: 1_550_000, Span: time.Minute, Seed: 1}
}

// Summary is what was made.
type Summary struct {
	Packets, Connections int
	Bytes                int64 // of frames
}

// connection is one connection being made.
type connection struct {
	ip6       bool
	udp       bool
	stamps    bool // TCP timestamps
	addresses [2][16]byte
	ports     [2]uint16
	sequence  [2]uint32
	rtt       int64 // ns
	offset    int64 // of the capture point from the client, ns
}

// event is one packet.
type event struct {
	time       int64 // ns since the Unix epoch
	connection int32
	payload    uint16
	window     uint16
	sequence   uint32
	ack        uint32
	flags      uint8
	from       uint8
}

// TCP flags.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// Write writes a capture (pcap, microseconds, Ethernet) to w.
func Write(w io.Writer, spec Spec) (Summary, error) {
	m := maker{random: rand.New(rand.NewPCG(spec.Seed, 0x6d6978)), mean: float64(spec.Packets) / float64(max(1, spec.Connections))}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	m.connections = make([]connection, spec.Connections)
	m.events = make([]event, 0, spec.Packets+spec.Packets/8)
	for i := range m.connections {
		m.make(int32(i), start+int64(m.random.Float64()*float64(spec.Span)))
	}
	slices.SortStableFunc(m.events, func(a, b event) int { return cmp.Compare(a.time, b.time) })
	out := bufio.NewWriterSize(w, 1<<20)
	header := make([]byte, 24)
	binary.LittleEndian.PutUint32(header, 0xa1b2c3d4)
	binary.LittleEndian.PutUint16(header[4:], 2)
	binary.LittleEndian.PutUint16(header[6:], 4)
	binary.LittleEndian.PutUint32(header[16:], 65535)
	binary.LittleEndian.PutUint32(header[20:], 1)
	out.Write(header)
	summary := Summary{Packets: len(m.events), Connections: spec.Connections}
	record := make([]byte, 16+1600)
	for i := range m.events {
		e := &m.events[i]
		n := m.frame(record[16:], e)
		binary.LittleEndian.PutUint32(record, uint32(e.time/1e9))
		binary.LittleEndian.PutUint32(record[4:], uint32(e.time%1e9/1e3))
		binary.LittleEndian.PutUint32(record[8:], uint32(n))
		binary.LittleEndian.PutUint32(record[12:], uint32(n))
		summary.Bytes += int64(n)
		if _, err := out.Write(record[:16+n]); err != nil {
			return summary, err
		}
	}
	return summary, out.Flush()
}

type maker struct {
	random      *rand.Rand
	mean        float64 // packets of a connection
	connections []connection
	events      []event
}

// chance is true with a probability.
func (m *maker) chance(p float64) bool { return m.random.Float64() < p }

// heavy draws from a log-normal law with a mean.
func (m *maker) heavy(mean, sigma float64) float64 {
	return mean * math.Exp(sigma*m.random.NormFloat64()-sigma*sigma/2)
}

// make makes a connection and its packets.
func (m *maker) make(index int32, start int64) {
	c := &m.connections[index]
	c.ip6 = m.chance(0.15)
	c.udp = m.chance(0.3)
	c.stamps = m.chance(0.6)
	c.rtt = int64(m.heavy(30e6, 0.8))
	c.offset = int64(m.random.Float64() * 0.2 * float64(c.rtt))
	for side := range c.addresses {
		a := &c.addresses[side]
		if c.ip6 {
			copy(a[:], []byte{0x20, 0x01, 0x0d, 0xb8, byte(side)})
			binary.BigEndian.PutUint32(a[12:], m.random.Uint32N(4096))
		} else {
			copy(a[:], []byte{byte(10 + 162*side), byte(16 * side), byte(m.random.Uint32N(16)), byte(1 + m.random.Uint32N(254))})
		}
		c.sequence[side] = m.random.Uint32()
	}
	c.ports = [2]uint16{uint16(1024 + m.random.Uint32N(64512)), []uint16{443, 443, 443, 80, 80, 22, 25, 993, 8080, 53}[m.random.IntN(10)]}
	if c.udp {
		m.udp(index, start)
	} else {
		m.tcp(index, start)
	}
}

// add adds a packet at a time.
func (m *maker) add(index int32, at int64, from int, payload int, flags uint8) {
	c := &m.connections[index]
	e := event{time: at, connection: index, payload: uint16(payload), window: uint16(8000 + m.random.Uint32N(3)*1000), sequence: c.sequence[from], flags: flags, from: uint8(from)}
	if flags&ack != 0 {
		e.ack = c.sequence[1-from]
	}
	c.sequence[from] += uint32(payload)
	if flags&(syn|fin) != 0 {
		c.sequence[from]++
	}
	m.events = append(m.events, e)
	if c.udp || payload == 0 {
		return
	}
	switch draw := m.random.Float64(); {
	case draw < 0.008: // seen again: it was lost behind the capture point
		e.time += c.rtt + int64(m.random.Float64()*float64(c.rtt))
		m.events = append(m.events, e)
	case draw < 0.012: // overtaken
		m.events[len(m.events)-1].time += int64(m.random.Float64() * 2e6)
	}
}

// udp is a question and its answer, or a stream of datagrams.
func (m *maker) udp(index int32, at int64) {
	c := &m.connections[index]
	if m.chance(0.6) {
		c.ports[1] = 53
		m.add(index, at, 0, 28+m.random.IntN(40), 0)
		m.add(index, at+c.rtt, 1, 60+m.random.IntN(300), 0)
		return
	}
	for range int(2 + m.heavy(m.mean*1.6, 1.1)) {
		from := 0
		size := 60 + m.random.IntN(200)
		if m.chance(0.6) {
			from, size = 1, 100+m.random.IntN(700)
		}
		at += int64(m.random.ExpFloat64() * 20e6)
		m.add(index, at, from, size, 0)
	}
}

// tcp is a handshake, some requests with their answers, and a close.
func (m *maker) tcp(index int32, at int64) {
	c := &m.connections[index]
	m.add(index, at, 0, 0, syn)
	if m.chance(0.03) { // refused
		m.add(index, at+c.rtt, 1, 0, rst|ack)
		return
	}
	m.add(index, at+c.rtt-c.offset, 1, 0, syn|ack)
	m.add(index, at+c.rtt, 0, 0, ack)
	at += c.rtt
	left := int(m.heavy(m.mean*1.15, 1.0)) - 6
	for left > 0 {
		m.add(index, at, 0, 40+m.random.IntN(500), psh|ack)
		at += c.rtt
		segments := 1 + m.random.IntN(min(12, max(1, left/2)))
		full := m.chance(0.22)
		for s := range segments {
			size := 30 + m.random.IntN(400)
			if full && s < segments-1 {
				size = 1448
			}
			flags := uint8(ack)
			if s == segments-1 {
				flags |= psh
			}
			m.add(index, at, 1, size, flags)
			at += int64(20e3 + m.random.Float64()*300e3)
			if s%2 == 1 {
				m.add(index, at+c.offset, 0, 0, ack)
				left--
			}
		}
		left -= segments + 1
		at += int64(m.random.ExpFloat64() * 150e6)
	}
	if m.chance(0.05) {
		m.add(index, at, 0, 0, rst|ack)
		return
	}
	m.add(index, at, 0, 0, fin|ack)
	m.add(index, at+c.rtt, 1, 0, fin|ack)
	m.add(index, at+c.rtt+c.offset, 0, 0, ack)
}
