package truth

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"detgen/packet"

	"golang.org/x/sys/unix"
)

// download is a script of a download in full-size segments, in so many frames in all captures,
// with some of each impairment.
func download(t testing.TB, frames int) *script {
	s := newScript(t, "client", "server")
	random := rand.New(rand.NewPCG(3, 4))
	payload := string(bytes.Repeat([]byte("0123456789abcdef"), 90))
	segment := tcp(segmentOf{from: 1, to: 0, srcPort: 80, dstPort: 40000, ack: 101, flags: packet.ACK, payload: payload})
	ack := tcp(segmentOf{from: 0, to: 1, srcPort: 40000, dstPort: 80, seq: 101, flags: packet.ACK})
	send := func(from, to int, us float64, frame []byte) {
		delay := 500 + 30*random.Float64()
		s.at(from, us, frame)
		switch n := random.IntN(1000); {
		case n < 10: // lost
		case n < 20:
			s.at(to, us+delay, flip(frame, random.IntN(8*len(frame))))
		case n < 30:
			s.at(to, us+delay, frame)
			s.at(to, us+delay+100, frame)
		default:
			s.at(to, us+delay, frame)
		}
	}
	for i := range frames / 4 {
		binary.BigEndian.PutUint16(segment[18:], uint16(i))
		binary.BigEndian.PutUint32(segment[38:], uint32(i*len(payload)))
		binary.BigEndian.PutUint32(segment[48:], uint32(i)*2654435761) // in place of the checksum
		send(1, 0, float64(20*i), segment)
		binary.BigEndian.PutUint16(ack[18:], uint16(i))
		binary.BigEndian.PutUint32(ack[42:], uint32(i*len(payload)))
		binary.BigEndian.PutUint16(ack[50:], uint16(i*40503))
		send(0, 1, float64(20*i)+7, ack)
	}
	s.write()
	return s
}

func BenchmarkRead(b *testing.B) {
	const frames = 1_000_000
	s := download(b, frames)
	before := processorTime(b)
	b.ResetTimer()
	for b.Loop() {
		t, err := Read(s.dir, s.rec)
		if err != nil {
			b.Fatal(err)
		}
		if x := t.Summary(); x.Explained < 0.9 || x.Lost == 0 {
			b.Fatalf("%+v", x)
		}
	}
	b.ReportMetric((processorTime(b)-before)/float64(b.N)/frames*1e6, "cpu-s/Mpacket")
}

// BenchmarkLabel is everything that detgen run does after the lab is closed.
func BenchmarkLabel(b *testing.B) {
	const frames = 1_000_000
	s := download(b, frames)
	link := &s.rec.Run.Hosts[0].Interfaces[0].Up
	link.Loss, link.Corrupt, link.Duplicate = 0.1, 0.1, 0.1
	s.rec.Run.Hosts[0].Interfaces[0].Down = *link
	before := processorTime(b)
	b.ResetTimer()
	for b.Loop() {
		if err := Label(s.dir, s.rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorTime(b)-before)/float64(b.N)/frames*1e6, "cpu-s/Mpacket")
}

// processorTime is the seconds that this process has used of all processors. On a busy machine it says
// more than the time that went by.
func processorTime(b *testing.B) float64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
