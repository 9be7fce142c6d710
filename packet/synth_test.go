package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// segment describes a TCP segment for a test.
type segment struct {
	six          bool // over IPv6
	src, dst     byte // last bytes of the addresses
	sport, dport uint16
	seq, ack     uint32
	flags        TCPFlags
	window       uint16
	options      []byte // length a multiple of 4
	payload      int
	fragment     bool // first
}

// frame makes the Ethernet frame of it.
func (s segment) frame() []byte {
	b := make([]byte, 12, 200)
	tcp := 20 + len(s.options) + s.payload
	if s.six {
		b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(tcp))
		b = append(b, ProtocolTCP, 64)
		b = append(b, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, s.src)
		b = append(b, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, s.dst)
	} else {
		b = append(b, 8, 0, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(20+tcp))
		b = append(b, 0, 1, 0, 0, 64, ProtocolTCP, 0, 0, 10, 0, 0, s.src, 10, 0, 0, s.dst)
		if s.fragment {
			b[14+6] = 0x20
		}
	}
	b = binary.BigEndian.AppendUint16(b, s.sport)
	b = binary.BigEndian.AppendUint16(b, s.dport)
	b = binary.BigEndian.AppendUint32(b, s.seq)
	b = binary.BigEndian.AppendUint32(b, s.ack)
	b = append(b, byte(20+len(s.options))<<2, byte(s.flags))
	b = binary.BigEndian.AppendUint16(b, s.window)
	b = append(b, 0, 0, 0, 0)
	b = append(b, s.options...)
	return append(b, make([]byte, s.payload)...)
}

// icmpError makes the frame of an ICMP error (time exceeded) that quotes the first n bytes of a frame's IP datagram.
func icmpError(frame []byte, n int) []byte {
	quoted := frame[14:min(len(frame), 14+n)]
	b := append(make([]byte, 12), 8, 0, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(28+len(quoted)))
	b = append(b, 0, 1, 0, 0, 64, ProtocolICMP, 0, 0, 10, 0, 0, 99, 10, 0, 0, 1, 11, 0, 0, 0, 0, 0, 0, 0)
	return append(b, quoted...)
}

// stormy is a pair of endpoints that do whatever TCP hosts do, and more.
type stormy struct {
	random *rand.Rand
	now    *int64
	six    bool
	port   uint16
	next   [2]uint32 // of each side
	acked  [2]uint32 // what each side acknowledged last
	window [2]uint16
	sent   [2][][2]uint32 // segments: sequence number and length
}

func (c *stormy) send(from int, flags TCPFlags, seq, ack uint32, payload int, options ...byte) segment {
	s := segment{six: c.six, src: 1, dst: 2, sport: c.port, dport: 80, seq: seq, ack: ack, flags: flags, window: c.window[from], payload: payload, options: options}
	if from == 1 {
		s.src, s.dst, s.sport, s.dport = 2, 1, 80, c.port
	}
	return s
}

// step makes the next segments.
func (c *stormy) step() []segment {
	r := c.random
	from := r.IntN(2)
	ack := c.acked[from]
	if r.IntN(3) == 0 {
		ack = c.next[1-from]
		c.acked[from] = ack
	}
	data := func(n int) segment {
		s := c.send(from, ACK|PSH, c.next[from], ack, n)
		c.sent[from] = append(c.sent[from], [2]uint32{c.next[from], uint32(n)})
		c.next[from] += uint32(n)
		return s
	}
	scale := []byte{tcpNop, tcpWindowScale, 3, byte(r.IntN(17))}
	switch n := r.IntN(100); {
	case n < 30:
		return []segment{data(1 + r.IntN(100))}
	case n < 34: // out of order
		a, b := data(20), data(30)
		return []segment{b, a}
	case n < 37: // lost
		data(40)
		return []segment{data(10)}
	case n < 48 && len(c.sent[from]) > 0: // again
		old := c.sent[from][max(0, len(c.sent[from])-1-r.IntN(5))]
		return []segment{c.send(from, ACK, old[0], ack, int(old[1]))}
	case n < 50 && len(c.sent[from]) > 0: // again, with more
		old := c.sent[from][len(c.sent[from])-1]
		return []segment{c.send(from, ACK, old[0], ack, int(old[1])+r.IntN(20))}
	case n < 66: // acknowledgements, some of them repeated
		s := c.send(from, ACK, c.next[from], ack, 0)
		return []segment{s, s, s, s}[:1+r.IntN(4)]
	case n < 70: // a new window
		c.window[from] = uint16(r.IntN(2000))
		return []segment{c.send(from, ACK, c.next[from], ack, 0)}
	case n < 74: // no window, and a probe
		c.window[1-from] = 0
		zero := c.send(1-from, ACK, c.next[1-from], c.next[from], 0)
		return []segment{zero, c.send(from, ACK, c.next[from], ack, 1), zero}[:1+r.IntN(3)]
	case n < 78:
		alive := c.send(from, ACK, c.next[from]-1, ack, r.IntN(2))
		return []segment{alive, c.send(1-from, ACK, c.next[1-from], c.acked[1-from], 0)}[:1+r.IntN(2)]
	case n < 80: // up to the edge of the window
		return []segment{c.send(from, ACK, c.next[from], ack, int(c.acked[1-from]+uint32(c.window[1-from])-c.next[from])&0x7ff)}
	case n < 82: // an acknowledgement of what is not there
		return []segment{c.send(from, ACK, c.next[from], c.next[1-from]+uint32(r.IntN(50)), 0)}
	case n < 84:
		return []segment{c.send(from, FIN|ACK, c.next[from], ack, r.IntN(2)*10)}
	case n < 85:
		return []segment{c.send(from, RST, c.next[from]+uint32(r.IntN(3)), 0, r.IntN(2)*5)}
	case n < 88: // a SYN again, or another connection
		if r.IntN(2) == 0 {
			c.next[0] += uint32(r.IntN(1000))
		}
		return []segment{c.send(0, SYN, c.next[0], 0, 0, scale...)}
	case n < 90:
		return []segment{c.send(1, SYN|ACK, c.next[1]-uint32(r.IntN(2)), c.next[0]+1, 0, scale...)}
	case n < 91: // an old acknowledgement
		return []segment{c.send(from, ACK, c.next[from], ack-uint32(r.IntN(100)), 0)}
	case n < 92:
		s := data(30)
		s.fragment = !c.six
		return []segment{s}
	case n < 93: // close to the wrap
		c.next[from] = uint32(r.IntN(3)) - 1
		return []segment{data(3)}
	default: // a handshake
		*c = stormy{random: r, now: c.now, six: c.six, port: c.port, next: [2]uint32{r.Uint32(), r.Uint32()}, window: [2]uint16{1000, 500}}
		syn := c.send(0, SYN, c.next[0], 0, 0, scale...)
		answer := c.send(1, SYN|ACK, c.next[1], c.next[0]+1, 0, scale...)
		if r.IntN(4) == 0 {
			answer.options = nil
		}
		c.next[0]++
		c.next[1]++
		c.acked = [2]uint32{c.next[1], c.next[0]}
		return []segment{syn, answer, c.send(0, ACK, c.next[0], c.next[1], 0)}[r.IntN(2)*r.IntN(2):]
	}
}

// storm writes a capture of conversations that go through each other.
func storm(t testing.TB, path string, seed uint64, steps int) {
	t.Helper()
	var out bytes.Buffer
	w, err := NewPcapWriter(&out, LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(seed, 0))
	now := int64(1_700_000_000_000_000_000)
	var pairs []*stormy
	for i := range 12 {
		pairs = append(pairs, &stormy{random: random, now: &now, six: i%4 == 3, port: uint16(1000 + i), next: [2]uint32{random.Uint32(), random.Uint32()}, window: [2]uint16{1000, 500}})
	}
	for range steps {
		for _, s := range pairs[random.IntN(len(pairs))].step() {
			switch random.IntN(20) {
			case 0:
				now += int64(random.IntN(1_000_000_000))
			case 1:
				now -= int64(random.IntN(1_000_000))
			default:
				now += int64(random.IntN(4_000_000))
			}
			frames := [][]byte{s.frame()}
			if random.IntN(60) == 0 && !s.six {
				frames = append(frames, icmpError(s.frame(), 28+random.IntN(40)))
			}
			for _, data := range frames {
				if err := w.Write(&Frame{Time: now, Data: data, WireLen: len(data)}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestAgreesWithWiresharkInStorms compares with tshark where everything happens that the
// analysis knows.
func TestAgreesWithWiresharkInStorms(t *testing.T) {
	if testing.Short() {
		t.Skip("runs tshark")
	}
	seen := map[Class]int{}
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "storm.pcap")
			storm(t, path, seed, 3000)
			compare(t, path)
			count(t, path, seen)
		})
	}
	for _, class := range Classes() {
		if seen[class] < 5 {
			t.Errorf("%s happened %d times, too few to say anything", class.Name(), seen[class])
		}
	}
}

// count counts the classes in a capture.
func count(t *testing.T, path string, seen map[Class]int) {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	conversations := NewConversations(0)
	var f Frame
	var h Headers
	for r.Next(&f) == nil {
		Decode(&f, &h)
		a, _ := conversations.Analyze(&f, &h)
		for _, class := range Classes() {
			if a.Classes&class != 0 {
				seen[class]++
			}
		}
	}
}
