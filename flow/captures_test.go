package flow

import (
	"bytes"
	"encoding/csv"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/packet"
	"detgen/table"
)

const (
	fin, syn, rst, psh, ack, urg = packet.FIN, packet.SYN, packet.RST, packet.PSH, packet.ACK, packet.URG
	hostA, hostB                 = "10.0.0.1", "10.0.0.2"
)

// talk adds TCP segments between hostA, with a port, and port 80 of hostB.
type talk struct {
	capture
	port uint16
	pad  int // what frames of hostA and SYN-ACKs are filled up to
}

func (t *talk) a(at time.Duration, flags packet.TCPFlags, seq, ack uint32, window uint16, payload int) {
	s := segmentOf{t.port, 80, seq, ack, flags, window, payload, nil}
	t.add(at, padded(ethernet(0x0800, ip(hostA, hostB, 6, s.bytes())), t.pad))
}

func (t *talk) b(at time.Duration, flags packet.TCPFlags, seq, ack uint32, window uint16, payload int) {
	s := segmentOf{80, t.port, seq, ack, flags, window, payload, nil}
	frame := ethernet(0x0800, ip(hostB, hostA, 6, s.bytes()))
	if flags&syn != 0 {
		frame = padded(frame, t.pad)
	}
	t.add(at, frame)
}

const tenth = 100 * time.Millisecond

// craftPad is the capture of testdata/reference/craft-pad.*.csv.
func craftPad() *capture {
	t := talk{port: 1000, pad: 60}
	t.a(10*tenth, syn, 1, 0, 1000, 0)
	t.b(11*tenth, syn|ack, 1, 2, 111, 0)
	t.a(12*tenth, ack, 2, 2, 1000, 0)
	t.a(13*tenth, psh|ack, 2, 2, 1000, 5)
	t.b(14*tenth, ack, 2, 7, 222, 0)
	t.b(15*tenth, urg|psh|ack, 2, 7, 333, 100)
	t.a(16*tenth, fin|ack, 7, 102, 1000, 0)
	t.b(17*tenth, fin|ack, 102, 8, 444, 0)
	t.a(18*tenth, ack, 8, 103, 1000, 0)
	return &t.capture
}

// craftTimeout is the capture of testdata/reference/craft-timeout.*.csv.
func craftTimeout() *capture {
	t := talk{port: 2000}
	t.a(5*tenth, syn, 1, 0, 1000, 0)
	t.b(6*tenth, syn|ack, 1, 2, 1000, 0)
	for i := range uint32(6) {
		t.a(time.Duration(10+i)*tenth, psh|ack, 2+100*i, 2, 1000, 100)
	}
	for i := range uint32(5) {
		t.b(time.Duration(20+i)*tenth, psh|ack, 2+200*i, 602, 1000, 200)
	}
	t.a(120*tenth, psh|ack, 602, 1002, 1000, 50)
	t.a(135*tenth, psh|ack, 652, 1002, 1000, 50)
	t.b(1300*tenth, psh|ack, 1002, 702, 1000, 50)
	t.a(1301*tenth, ack, 702, 1052, 1000, 0)
	t.b(1370*tenth, psh|ack, 1052, 702, 1000, 50)
	t.a(1380*tenth, rst|ack, 702, 1102, 1000, 0)
	t.b(1381*tenth, ack, 1102, 703, 1000, 0)
	t.b(1382*tenth, ack, 1102, 703, 1000, 0)
	return &t.capture
}

// craftUDP is the capture of testdata/reference/craft-udp.*.csv.
func craftUDP() *capture {
	var c capture
	c.add(time.Second, ethernet(0x0800, ip(hostA, hostB, 17, udp(5000, 53, 30))))
	c.add(time.Second+50*time.Millisecond, ethernet(0x0800, ip(hostB, hostA, 17, udp(53, 5000, 90))))
	question := ip(hostA, hostB, 17, udp(5001, 53, 30))
	c.add(20*tenth, ethernet(0x0800, question))
	c.add(21*tenth, ethernet(0x0800, ip(hostB, hostA, 1, icmp(3, 3, question))))
	c.add(30*tenth, ethernet(0x0800, ip(hostA, hostB, 1, icmp(8, 0, make([]byte, 56)))))
	c.add(31*tenth, ethernet(0x0800, ip(hostB, hostA, 1, icmp(0, 0, make([]byte, 56)))))
	return &c
}

// tabulate gives the table of a capture's flows as the rows of a CSV file.
func tabulate(t *testing.T, src Source, o Options, jobs int, set ColumnSet) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(write(t, src, o, jobs, set, table.CSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// write gives the bytes of the table.
func write(t *testing.T, src Source, o Options, jobs int, set ColumnSet, format table.Format) []byte {
	t.Helper()
	layout := NewLayout(o.Mode, set)
	var out bytes.Buffer
	file, err := table.New(&out, format, layout.Columns())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Write(t.Context(), src, o, jobs, layout, file, []string{"capture"}), file.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCrafted compares with what CICFlowMeter itself printed for the crafted captures.
func TestCrafted(t *testing.T) {
	captures := map[string]*capture{"craft-pad": craftPad(), "craft-timeout": craftTimeout(), "craft-udp": craftUDP()}
	for name, c := range captures {
		for version, mode := range versions {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				want := readTable(t, filepath.Join("testdata", "reference", name+"."+version+".csv"))
				got := tabulate(t, c.again(), NewOptions(mode), 1, ToolColumns)
				compareTables(t, want, got)
				sameText(t, want, got)
			})
		}
	}
}

// sameText wants every number written as CICFlowMeter writes it.
func sameText(t *testing.T, want, got [][]string) {
	t.Helper()
	lines := map[string]bool{}
	for _, row := range got {
		lines[strings.Join(row, ",")] = true
	}
	for _, row := range want {
		if line := strings.Join(row, ","); !lines[line] {
			t.Errorf("no line %s", line)
		}
	}
}
