package packet

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// benchmarkCapture makes a pcap file of n frames: 70 % TCP over IPv4 in a thousand conversations, the rest UDP and
// IPv6, 40 to 600 bytes long.
func benchmarkCapture(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, 24, 24+n*350)
	binary.LittleEndian.PutUint32(out, 0xa1b23c4d)
	copy(out[4:], []byte{2, 0, 4, 0})
	binary.LittleEndian.PutUint32(out[16:], 262144)
	binary.LittleEndian.PutUint32(out[20:], 1)
	var next [1000][2]uint32
	for i := range n {
		conversation, from := random.IntN(len(next)), random.IntN(2)
		payload := random.IntN(560)
		if random.IntN(3) == 0 {
			payload = 0
		}
		frame := make([]byte, 14, 14+40+20+payload)
		udp, six := conversation%10 >= 8, conversation%10 == 7
		protocol, header := byte(ProtocolTCP), 20
		if udp {
			protocol, header = ProtocolUDP, 8
		}
		a, b := byte(from), byte(1-from)
		if six {
			binary.BigEndian.PutUint16(frame[12:], EtherTypeIPv6)
			ip := make([]byte, 40)
			ip[0], ip[6], ip[7] = 0x60, protocol, 64
			binary.BigEndian.PutUint16(ip[4:], uint16(header+payload))
			ip[8], ip[23], ip[24], ip[39] = 0x20, a, 0x20, b
			frame = append(frame, ip...)
		} else {
			binary.BigEndian.PutUint16(frame[12:], EtherTypeIPv4)
			ip := []byte{0x45, 0, 0, 0, byte(i >> 8), byte(i), 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, a, 10, 0, 0, b}
			binary.BigEndian.PutUint16(ip[2:], uint16(20+header+payload))
			frame = append(frame, ip...)
		}
		l4 := make([]byte, header+payload)
		ports := [2]uint16{uint16(1024 + conversation), 443}
		binary.BigEndian.PutUint16(l4, ports[from])
		binary.BigEndian.PutUint16(l4[2:], ports[1-from])
		if udp {
			binary.BigEndian.PutUint16(l4[4:], uint16(len(l4)))
		} else {
			binary.BigEndian.PutUint32(l4[4:], next[conversation][from])
			binary.BigEndian.PutUint32(l4[8:], next[conversation][1-from])
			l4[12], l4[13] = 0x50, byte(ACK)
			binary.BigEndian.PutUint16(l4[14:], 1024)
			next[conversation][from] += uint32(payload)
		}
		frame = append(frame, l4...)
		out = binary.LittleEndian.AppendUint32(out, uint32(1_700_000_000+i/100_000))
		out = binary.LittleEndian.AppendUint32(out, uint32(i%100_000*10_000))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(frame)))
		out = binary.LittleEndian.AppendUint32(out, uint32(len(frame)))
		out = append(out, frame...)
	}
	return out
}

// cpuTime is what the process has used, in ns.
func cpuTime(b *testing.B) int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// BenchmarkRead measures the ways through a capture; ns/packet, of CPU time, is what counts.
func BenchmarkRead(b *testing.B) {
	data := benchmarkCapture(200_000)
	var h Headers
	var conversations *Conversations
	for _, stage := range []struct {
		name string
		do   func(*Frame)
	}{
		{"only", func(*Frame) {}},
		{"decode", func(f *Frame) { Decode(f, &h) }},
		{"analyze", func(f *Frame) {
			if Decode(f, &h); h.Protocol == ProtocolTCP {
				conversations.Analyze(f, &h)
			}
		}},
	} {
		b.Run(stage.name, func(b *testing.B) {
			var f Frame
			n := 0
			start := cpuTime(b)
			for b.Loop() {
				conversations = NewConversations(0)
				r, err := NewReader(bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				for {
					if err := r.Next(&f); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					n++
					stage.do(&f)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-start)/float64(n), "ns/packet")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkDecode measures decoding alone, of frames in the processor's cache.
func BenchmarkDecode(b *testing.B) {
	r, err := NewReader(bytes.NewReader(benchmarkCapture(200)))
	if err != nil {
		b.Fatal(err)
	}
	var frames []Frame
	for f := (Frame{}); r.Next(&f) == nil; {
		f.Data = bytes.Clone(f.Data)
		frames = append(frames, f)
	}
	var h Headers
	n := 0
	start := cpuTime(b)
	for b.Loop() {
		for i := range frames {
			Decode(&frames[i], &h)
		}
		n += len(frames)
	}
	b.ReportMetric(float64(cpuTime(b)-start)/float64(n), "ns/packet")
	b.ReportMetric(0, "ns/op")
}
