package truth

import (
	"bufio"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"detgen/packet"
	"detgen/record"
)

// script is a run that a test writes frame by frame: each host's capture is what the test says
// it sent and received.
type script struct {
	t       testing.TB
	dir     string
	rec     *record.Record
	written [][]written // by capture
}

type written struct {
	time int64
	data []byte
}

// epoch is when the scripts' runs start.
var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// newScript makes a run with hosts on one network, whose addresses are 10.0.0.1 and so on and
// whose MACs differ in many bits.
func newScript(t testing.TB, names ...string) *script {
	s := &script{t: t, dir: t.TempDir(), rec: &record.Record{}}
	run := &s.rec.Run
	run.Networks = []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.0.0.0/24")}}
	for i, name := range names {
		run.Hosts = append(run.Hosts, record.Host{Name: name, Interfaces: []record.Interface{{
			Name: "eth0", Network: "lan", MAC: macOf(i).String(), Address: netip.PrefixFrom(addressOf(i), 24),
		}}})
		s.rec.Result.Captures = append(s.rec.Result.Captures, record.Capture{Host: name, Interface: "eth0", File: "captures/" + name + ".pcap"})
	}
	s.written = make([][]written, len(names))
	run.Activities = []record.Activity{{Name: "main", Scenario: "test", Task: "talk", Labels: record.Labels{Class: "benign"}}}
	s.rec.Result.Status = record.Complete
	s.rec.Result.Started = epoch
	s.rec.Result.Activities = []record.ActivityResult{{Name: "main", Start: epoch, End: epoch.Add(time.Hour)}}
	return s
}

type hardwareAddress [6]byte

func (m hardwareAddress) String() string {
	text := ""
	for i, b := range m {
		if i > 0 {
			text += ":"
		}
		text += string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15])
	}
	return text
}

func macOf(host int) hardwareAddress {
	return hardwareAddress{0x02, byte(host*0x35 + 1), byte(host * 0x17), byte(host*0x59 + 3), byte(host * 0x71), byte(host*0x2b + 5)}
}

func addressOf(host int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(host + 1)}) }

// at puts a frame into a host's capture, so many microseconds after the start.
func (s *script) at(host int, us float64, data []byte) {
	s.written[host] = append(s.written[host], written{epoch.UnixNano() + int64(us*1e3), slices.Clone(data)})
}

// pass is a frame that goes from one host to another.
func (s *script) pass(from, to int, us, delay float64, data []byte) {
	s.at(from, us, data)
	s.at(to, us+delay, data)
}

// write writes the captures, each in the order of time.
func (s *script) write() {
	s.t.Helper()
	os.Mkdir(filepath.Join(s.dir, "captures"), 0o755)
	for i, frames := range s.written {
		slices.SortStableFunc(frames, func(a, b written) int { return int(min(1, max(-1, a.time-b.time))) })
		c := &s.rec.Result.Captures[i]
		c.Frames = uint64(len(frames))
		file, err := os.Create(filepath.Join(s.dir, c.File))
		if err != nil {
			s.t.Fatal(err)
		}
		out := bufio.NewWriter(file)
		out.Write([]byte{0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0})
		var head [16]byte
		for _, f := range frames {
			binary.LittleEndian.PutUint32(head[0:], uint32(f.time/1e9))
			binary.LittleEndian.PutUint32(head[4:], uint32(f.time%1e9))
			binary.LittleEndian.PutUint32(head[8:], uint32(len(f.data)))
			binary.LittleEndian.PutUint32(head[12:], uint32(len(f.data)))
			out.Write(head[:])
			out.Write(f.data)
		}
		if err := out.Flush(); err != nil {
			s.t.Fatal(err)
		}
		file.Close()
	}
}

// read writes the captures and finds out the truth.
func (s *script) read() *Truth {
	s.t.Helper()
	s.write()
	t, err := Read(s.dir, s.rec)
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

// segmentOf is what a TCP segment is made of.
type segmentOf struct {
	from, to         int
	srcPort, dstPort uint16
	seq, ack         uint32
	flags            packet.TCPFlags
	payload          string
	id               uint16
}

// tcp makes the frame of a TCP segment. Its checksums are made up, but depend on everything.
func tcp(s segmentOf) []byte {
	t := make([]byte, 20+len(s.payload))
	binary.BigEndian.PutUint16(t[0:], s.srcPort)
	binary.BigEndian.PutUint16(t[2:], s.dstPort)
	binary.BigEndian.PutUint32(t[4:], s.seq)
	binary.BigEndian.PutUint32(t[8:], s.ack)
	t[12], t[13] = 5<<4, byte(s.flags)
	binary.BigEndian.PutUint16(t[14:], 1000)
	copy(t[20:], s.payload)
	binary.BigEndian.PutUint16(t[16:], sum(t))
	return ip(s.from, s.to, packet.ProtocolTCP, s.id, t)
}

// udp makes the frame of a UDP datagram.
func udp(from, to int, srcPort, dstPort, id uint16, payload string) []byte {
	u := make([]byte, 8+len(payload))
	binary.BigEndian.PutUint16(u[0:], srcPort)
	binary.BigEndian.PutUint16(u[2:], dstPort)
	binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
	copy(u[8:], payload)
	binary.BigEndian.PutUint16(u[6:], sum(u))
	return ip(from, to, packet.ProtocolUDP, id, u)
}

// icmp makes the frame of an ICMP message.
func icmp(from, to int, kind, code byte, rest []byte) []byte {
	m := append([]byte{kind, code, 0, 0}, rest...)
	binary.BigEndian.PutUint16(m[2:], sum(m))
	return ip(from, to, packet.ProtocolICMP, 0, m)
}

func ip(from, to int, protocol byte, id uint16, payload []byte) []byte {
	h := make([]byte, 20)
	h[0] = 0x45
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(h[4:], id)
	h[8], h[9] = 64, protocol
	copy(h[12:], addressOf(from).AsSlice())
	copy(h[16:], addressOf(to).AsSlice())
	binary.BigEndian.PutUint16(h[10:], sum(h))
	return ethernet(macOf(to), macOf(from), packet.EtherTypeIPv4, append(h, payload...))
}

func ethernet(to, from hardwareAddress, kind uint16, payload []byte) []byte {
	f := append(to[:], from[:]...)
	f = binary.BigEndian.AppendUint16(f, kind)
	return append(f, payload...)
}

var broadcast = hardwareAddress{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// arp makes a broadcast ARP request.
func arp(from, about int) []byte {
	sender, mac := addressOf(from).As4(), macOf(from)
	target := addressOf(about).As4()
	m := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	m = append(append(m, mac[:]...), sender[:]...)
	m = append(append(m, 0, 0, 0, 0, 0, 0), target[:]...)
	return ethernet(broadcast, mac, packet.EtherTypeARP, m)
}

// sum is the checksum of RFC 1071.
func sum(b []byte) uint16 {
	var total uint32
	for i := 0; i < len(b); i += 2 {
		total += uint32(b[i]) << 8
		if i+1 < len(b) {
			total += uint32(b[i+1])
		}
	}
	for total>>16 != 0 {
		total = total&0xffff + total>>16
	}
	return ^uint16(total)
}

// flip gives a frame with bits flipped.
func flip(data []byte, bits ...int) []byte {
	data = slices.Clone(data)
	for _, b := range bits {
		data[b/8] ^= 1 << (b % 8)
	}
	return data
}

// fates gives the fates of a host's frames, as "sent delivered" or "received duplicate".
func fates(t *Truth, host int) []string {
	var list []string
	for i := range t.Captures[host].Frames {
		f := &t.Captures[host].Frames[i]
		text := "received "
		if f.Sent {
			text = "sent "
		}
		list = append(list, text+f.Fate.String())
	}
	return list
}
