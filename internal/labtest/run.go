package labtest

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"detgen/packet"
	"detgen/record"
)

var epoch = time.Unix(1_700_000_000, 0).UTC()

// Run makes a run directory that no lab made, of two hosts with one TCP connection and a log of the links, below a folder, and
// gives its path.
func Run(t testing.TB, parent string) string {
	t.Helper()
	path := filepath.Join(parent, "run")
	s, err := record.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.Dir(), "captures"), 0o755); err != nil {
		t.Fatal(err)
	}
	macs := [2]string{"02:00:00:00:00:01", "02:00:00:00:00:02"}
	names := [2]string{"client", "server"}
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	link := record.Link{Delay: record.Duration(time.Millisecond)}
	rec := &record.Record{Tool: "detgen test"}
	rec.Run = record.Run{
		Seed: 1, Networks: []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.0.0.0/24")}},
		Values: []record.Value{{Name: "params.size", Value: "1kB", Origin: record.Given}},
		Activities: []record.Activity{{
			Name: "main", Scenario: "test", Task: "talk", Labels: record.Labels{Class: "benign"},
			Scripts: []record.Script{{Host: "client", Text: "true"}}, Expect: map[string]string{"status": "0"},
		}},
	}
	rec.Result = record.Result{
		Status: record.Complete, Engine: record.Engine{Name: "live", Kernel: "6.1"}, LinkDriver: "soft", Started: epoch, Finished: epoch.Add(time.Second),
		Activities: []record.ActivityResult{{
			Name: "main", Start: epoch, End: epoch.Add(time.Second), Outcome: map[string]string{"status": "0"},
			Phases: []record.Phase{{Host: "client", Name: "transfer", Start: epoch, End: epoch.Add(time.Second)}},
		}},
		Images: []record.ImageResult{{Name: "base", Digest: digest}},
	}
	log := &record.LinkLog{Start: epoch, Seed: 1}
	for i, name := range names {
		rec.Run.Hosts = append(rec.Run.Hosts, record.Host{
			Name: name, Image: "base", Digest: digest, Services: []record.Service{{Name: "web"}}, Files: []record.File{{Path: "/etc/motd", Text: "hello"}},
			Interfaces: []record.Interface{{Name: "eth0", Network: "lan", MAC: macs[i], Address: netip.PrefixFrom(address(i), 24), Up: link}},
		})
		rec.Result.Captures = append(rec.Result.Captures, record.Capture{Host: name, Interface: "eth0", File: "captures/" + name + ".pcap"})
		for _, d := range []record.Direction{record.Up, record.Down} {
			rec.Result.Links = append(rec.Result.Links, record.LinkResult{Host: name, Interface: "eth0", Direction: d, ReadBack: link})
			log.Lines = append(log.Lines, record.LinkLine{Host: name, Interface: "eth0", Direction: d})
		}
	}
	conversation := []struct {
		from     int
		seq, ack uint32
		flags    packet.TCPFlags
		payload  int
	}{
		{0, 100, 0, packet.SYN, 0}, {1, 500, 101, packet.SYN | packet.ACK, 0}, {0, 101, 501, packet.ACK, 0}, {0, 101, 501, packet.ACK, 400},
		{1, 501, 501, packet.ACK, 1000}, {1, 1501, 501, packet.ACK, 1000}, {0, 501, 2501, packet.ACK, 0},
		{0, 501, 2501, packet.FIN | packet.ACK, 0}, {1, 2501, 502, packet.FIN | packet.ACK, 0}, {0, 502, 2502, packet.ACK, 0},
	}
	var writers [2]*packet.PcapWriter
	for i, name := range names {
		file, err := os.Create(filepath.Join(s.Dir(), "captures", name+".pcap"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if writers[i], err = packet.NewPcapWriter(file, packet.LinkEthernet); err != nil {
			t.Fatal(err)
		}
	}
	var sent [2]uint32
	for n, c := range conversation {
		data := segment(c.from, c.seq, c.ack, c.flags, c.payload)
		at, to := int64(n)*1e7, 1-c.from
		sent[c.from]++
		for i, when := range map[int]int64{c.from: at, to: at + 1e6} {
			if err := writers[i].Write(&packet.Frame{Time: epoch.UnixNano() + when, Data: data, WireLen: len(data), LinkType: packet.LinkEthernet}); err != nil {
				t.Fatal(err)
			}
			rec.Result.Captures[i].Frames++
		}
		e := record.LinkEvent{
			Line: uint16(2 * c.from), OriginLine: uint16(2 * c.from), Frame: sent[c.from], Origin: sent[c.from], In: at, Due: at + 1e6, Out: at + 1e6,
			Length: uint32(len(data)), Sum: crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)), Fate: record.Passed,
		}
		down := e
		down.Line, down.Frame = uint16(2*to+1), sent[c.from]
		log.Events = append(log.Events, e, down)
	}
	for _, w := range writers {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(s.Dir(), record.LinkLogFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := log.WriteTo(file); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(rec); err != nil {
		t.Fatal(err)
	}
	return path
}

func address(host int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(host + 1)}) }

// segment is a frame with a TCP segment from one host to the other.
func segment(from int, seq, ack uint32, flags packet.TCPFlags, payload int) []byte {
	be := binary.BigEndian
	b := make([]byte, 14+20+20+payload)
	copy(b, []byte{2, 0, 0, 0, 0, byte(2 - from), 2, 0, 0, 0, 0, byte(from + 1), 8, 0})
	ip := b[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, packet.ProtocolTCP
	be.PutUint16(ip[2:], uint16(40+payload))
	source, target := address(from).As4(), address(1-from).As4()
	copy(ip[12:], source[:])
	copy(ip[16:], target[:])
	tcp := ip[20:]
	ports := [2]uint16{40000, 80}
	be.PutUint16(tcp, ports[from])
	be.PutUint16(tcp[2:], ports[1-from])
	be.PutUint32(tcp[4:], seq)
	be.PutUint32(tcp[8:], ack)
	tcp[12], tcp[13] = 5<<4, byte(flags)
	be.PutUint16(tcp[14:], 65535)
	for i := range payload {
		tcp[20+i] = byte(seq) + byte(i)
	}
	return b
}
