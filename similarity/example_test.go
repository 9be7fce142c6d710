package similarity_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"detgen/packet"
	"detgen/similarity"
)

// exchange writes a capture of UDP datagrams of these sizes, which go there and back in turn.
func exchange(path string, sizes ...int) {
	file, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(file)
	w, err := packet.NewPcapWriter(out, packet.LinkRaw)
	if err != nil {
		log.Fatal(err)
	}
	for i, size := range sizes {
		b := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, packet.ProtocolUDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0, 53, 0, 0, 0, 0}
		if i%2 == 1 {
			copy(b[12:], []byte{10, 0, 0, 2, 10, 0, 0, 1, 0, 53, 0x9c, 0x40})
		}
		b = append(b, make([]byte, size)...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		binary.BigEndian.PutUint16(b[24:], uint16(8+size))
		if err := w.Write(&packet.Frame{Time: int64(i+1) * 1e6, Data: b, WireLen: len(b)}); err != nil {
			log.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), out.Flush(), file.Close()); err != nil {
		log.Fatal(err)
	}
}

// Two captures of the same exchange do not differ, and one of another exchange does.
func ExampleCompareGroups() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	o := similarity.NewOptions()
	var samples []*similarity.Sample
	for i, sizes := range [][]int{{30, 200}, {30, 200}, {30, 900, 40, 600}} {
		path := filepath.Join(dir, fmt.Sprint(i, ".pcap"))
		exchange(path, sizes...)
		s, err := similarity.Read(path, "", o)
		if err != nil {
			log.Fatal(err)
		}
		samples = append(samples, s)
	}
	g, err := similarity.CompareGroups(context.Background(), samples[:2], samples[2:], nil, o)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range similarity.Metrics[:similarity.PaperMetrics] {
		fmt.Printf("%s: %.2f and %.2f\n", m.Title, g.WithinA.Metrics[m.Name].Mean, g.Between.Metrics[m.Name].Mean)
	}
	// Output:
	// Connections: 0.00 and 1.00
	// Connection sequences: 0.00 and 1.00
	// Packet sequences: 0.00 and 0.25
}
