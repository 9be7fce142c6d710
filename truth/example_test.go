package truth_test

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"detgen/packet"
	"detgen/record"
	"detgen/truth"
)

// datagram is a UDP datagram from 10.0.0.1 to 10.0.0.2 in an Ethernet frame, with a number as its payload.
func datagram(number byte) []byte {
	return []byte{
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
		0x45, 0, 0, 29, 0, number, 0, 0, 64, packet.ProtocolUDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0x9c, 0x40, 0, 53, 0, 9, 0, number, number,
	}
}

// capture writes a capture of frames, each with how long after the start it was seen.
func capture(path string, start time.Time, after []time.Duration, frames ...[]byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	w, err := packet.NewPcapWriter(out, packet.LinkEthernet)
	if err != nil {
		return err
	}
	for i, data := range frames {
		if err := w.Write(&packet.Frame{Time: start.Add(after[i]).UnixNano(), Data: data, WireLen: len(data)}); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), out.Flush())
}

// The captures of a client and a server tell what became of each frame: the second one did not arrive.
func ExampleRead() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	ms := time.Millisecond
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "captures"), 0o755),
		capture(filepath.Join(dir, "captures", "client.pcap"), start, []time.Duration{ms, 2 * ms}, datagram(1), datagram(2)),
		capture(filepath.Join(dir, "captures", "server.pcap"), start, []time.Duration{21 * ms}, datagram(1)),
	); err != nil {
		log.Fatal(err)
	}
	r := &record.Record{Unchecked: true} // there is no digest to compare the captures with
	r.Run.Networks = []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.0.0.0/24")}}
	r.Run.Activities = []record.Activity{{Name: "main", Scenario: "dns", Task: "query", Labels: record.Labels{Class: "benign"}}}
	r.Result = record.Result{Status: record.Complete, Started: start, Activities: []record.ActivityResult{{Name: "main", Start: start, End: start.Add(time.Second)}}}
	for i, name := range []string{"client", "server"} {
		address := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), 24)
		r.Run.Hosts = append(r.Run.Hosts, record.Host{Name: name, Interfaces: []record.Interface{
			{Name: "eth0", Network: "lan", MAC: fmt.Sprintf("02:00:00:00:00:%02x", i+1), Address: address},
		}})
		r.Result.Captures = append(r.Result.Captures, record.Capture{Host: name, Interface: "eth0", File: "captures/" + name + ".pcap", Frames: uint64(2 - i)})
	}
	t, err := truth.Read(dir, r)
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range t.Story(truth.Selection{}) {
		fmt.Println(line.From, "to", line.To, "after", line.After, line.Fate, line.Delay)
	}
	// Output:
	// client to server after 1ms delivered 20ms
	// client to server after 2ms lost 0s
}
