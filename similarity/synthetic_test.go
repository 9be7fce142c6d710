package similarity

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"detgen/packet"
)

// endpoints are what must not matter: addresses, ports, absolute time.
type endpoints struct {
	client, server byte // last bytes of the addresses
	port           uint16
	service        uint16
	epoch          int64
}

var usual = endpoints{client: 1, server: 2, port: 40000, service: 80, epoch: 1_600_000_000e9}

// traffic makes captures of TCP connections.
type traffic struct {
	endpoints
	frames []packet.Frame
	now    time.Duration
}

// send adds a segment, after a time since the one before.
func (t *traffic) send(after time.Duration, up bool, flags packet.TCPFlags, payload int) {
	t.now += after
	b := append(make([]byte, 12), 8, 0, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(40+payload))
	b = append(b, 0, 0, 0, 0, 64, packet.ProtocolTCP, 0, 0)
	src, dst, from, to := t.client, t.server, t.port, t.service
	if !up {
		src, dst, from, to = dst, src, to, from
	}
	b = append(b, 10, 0, 0, src, 10, 0, 0, dst)
	b = binary.BigEndian.AppendUint16(b, from)
	b = binary.BigEndian.AppendUint16(b, to)
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 1, 5<<4, byte(flags), 1, 0, 0, 0, 0, 0)
	b = append(b, make([]byte, payload)...)
	t.frames = append(t.frames, packet.Frame{
		Number: uint64(len(t.frames) + 1), Time: t.epoch + int64(t.now), Data: b, WireLen: len(b), LinkType: packet.LinkEthernet,
	})
}

// Next is that of flow.Source.
func (t *traffic) Next(f *packet.Frame) error {
	if len(t.frames) == 0 {
		return io.EOF
	}
	*f, t.frames = t.frames[0], t.frames[1:]
	return nil
}

// kinds are ways of talking, with some chance in each.
var kinds = map[string]func(t *traffic, r *rand.Rand){
	"download": func(t *traffic, r *rand.Rand) {
		t.open(r)
		t.send(ms(0.2, r), true, packet.PSH|packet.ACK, 80+r.IntN(20))
		for i := range 20 + r.IntN(5) {
			t.send(ms(20/(1+float64(i*i)), r), false, packet.ACK, 1460)
			if i%2 == 1 {
				t.send(ms(0.1, r), true, packet.ACK, 0)
			}
		}
		t.close(r)
	},
	"upload": func(t *traffic, r *rand.Rand) {
		t.open(r)
		for i := range 16 + r.IntN(5) {
			t.send(ms(0.3, r), true, packet.PSH|packet.ACK, 1200+r.IntN(260))
			if i%3 == 2 {
				t.send(ms(20, r), false, packet.ACK, 0)
			}
		}
		t.close(r)
	},
	"shell": func(t *traffic, r *rand.Rand) {
		t.open(r)
		for range 12 + r.IntN(4) {
			t.send(ms(300, r), true, packet.PSH|packet.ACK, 36)
			t.send(ms(21, r), false, packet.PSH|packet.ACK, 36+r.IntN(40))
			t.send(ms(0.1, r), true, packet.ACK, 0)
		}
		t.close(r)
	},
	"poll": func(t *traffic, r *rand.Rand) {
		for range 4 + r.IntN(2) {
			t.open(r)
			t.send(ms(0.2, r), true, packet.PSH|packet.ACK, 200+r.IntN(10))
			t.send(ms(25, r), false, packet.PSH|packet.ACK, 120+r.IntN(10))
			t.close(r)
			t.port++
			t.now += 2 * time.Second
		}
	},
}

func (t *traffic) open(r *rand.Rand) {
	t.send(0, true, packet.SYN, 0)
	t.send(ms(20, r), false, packet.SYN|packet.ACK, 0)
	t.send(ms(0.1, r), true, packet.ACK, 0)
}

func (t *traffic) close(r *rand.Rand) {
	t.send(ms(0.3, r), true, packet.FIN|packet.ACK, 0)
	t.send(ms(20, r), false, packet.FIN|packet.ACK, 0)
	t.send(ms(0.1, r), true, packet.ACK, 0)
}

// ms is about that many milliseconds.
func ms(n float64, r *rand.Rand) time.Duration {
	return time.Duration(n * (0.9 + 0.2*r.Float64()) * 1e6)
}

// sample makes a sample of a kind.
func sample(t *testing.T, kind string, seed uint64, e endpoints, o Options) *Sample {
	t.Helper()
	made := &traffic{endpoints: e}
	kinds[kind](made, rand.New(rand.NewPCG(seed, 0)))
	s, err := newSample(made, -1<<63, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Name = kind
	return s
}
