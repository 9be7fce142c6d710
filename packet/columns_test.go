package packet

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"testing"

	"detgen/internal/docs"
	"detgen/table"
)

// TestColumnsAreDocumented compares the table in the documentation with the columns.
func TestColumnsAreDocumented(t *testing.T) {
	docs.Compare(t, "../docs/packets.md", "columns", table.Document(Columns()))
}

// rowsOf writes the rows of a capture and reads them back, as one map per row.
func rowsOf(t *testing.T, o Rows, file []byte, extra ...table.Column) ([]map[string]string, error) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	out, err := table.New(&text, table.CSV, append(Columns(), extra...))
	if err != nil {
		t.Fatal(err)
	}
	end := o.Write(context.Background(), []string{"x.pcap"}, r, out)
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, cell := range line {
			row[lines[0][i]] = cell
		}
		rows = append(rows, row)
	}
	return rows, end
}

// captureOf makes a pcapng file of frames with a comment each.
func captureOf(t *testing.T, link LinkType, frames ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewPcapngWriter(&out, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddInterface(Interface{LinkType: link}); err != nil {
		t.Fatal(err)
	}
	for i, data := range frames {
		if err := w.Write(&Frame{Time: 1e18 + int64(i)*1e6, Data: data, WireLen: len(data) + 1}, "first", "second"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRows(t *testing.T) {
	syn := segment{src: 1, dst: 2, sport: 1000, dport: 80, seq: 7, flags: SYN, window: 500}
	answer := segment{src: 2, dst: 1, sport: 80, dport: 1000, seq: 70, ack: 8, flags: SYN | ACK, window: 600}
	last := segment{src: 1, dst: 2, sport: 1000, dport: 80, seq: 8, ack: 71, flags: ACK, window: 500}
	data := last
	data.payload, data.flags = 30, ACK|PSH
	file := captureOf(t, LinkEthernet, syn.frame(), answer.frame(), last.frame(), data.frame(), data.frame(), parts(t, macs, "8100 0064 0806", arp))
	extra := table.Column{Name: "phase", Kind: table.Text}
	rows, err := rowsOf(t, Rows{Extra: func(b *table.Batch, f *Frame, h *Headers, a *Analysis) {
		b.Text(map[bool]string{true: "tcp", false: "other"}[a != nil])
	}}, file, extra)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []map[string]string{
		{"capture": "x.pcap", "number": "1", "time": "1000000000000000000", "length": "55", "captured": "54", "link": "ethernet", "src_mac": "00:00:00:00:00:00",
			"vlans": "0", "vlan": "", "ethertype": "2048", "src": "10.0.0.1", "dst": "10.0.0.2", "protocol": "6", "src_port": "1000", "dst_port": "80", "ttl": "64",
			"ip_id": "1", "ip_length": "40", "fragment": "", "l4_header": "20", "payload": "0", "padding": "1", "icmp_type": "", "truncated": "0", "malformed": "0",
			"flags": "S", "seq": "7", "ack": "0", "window": "500", "tcp_stream": "0", "tcp_sender": "client", "tcp_handshake": "syn", "tcp_closing": "open",
			"tcp_rtt": "", "tcp_seen": "none", "tcp_retransmission": "0", "comment": "first\nsecond", "phase": "tcp"},
		{"flags": "SA", "tcp_sender": "server", "tcp_handshake": "syn_ack"},
		{"flags": "A", "tcp_rtt": "2000000", "tcp_handshake": "complete", "tcp_seen": ""},
		{"flags": "PA", "payload": "30", "tcp_seen": "none", "tcp_retransmission": "0"},
		{"flags": "PA", "tcp_seen": "all", "tcp_retransmission": "1", "tcp_spurious_retransmission": "0"},
		{"src_mac": "02:00:00:00:00:01", "dst_mac": "02:00:00:00:00:02", "vlans": "1", "vlan": "100", "ethertype": "2054", "src": "10.0.0.1", "dst": "10.0.0.2",
			"protocol": "", "src_port": "", "ttl": "", "payload": "", "flags": "", "seq": "", "tcp_stream": "", "tcp_seen": "", "tcp_retransmission": "0", "phase": "other"},
	} {
		for name, cell := range want {
			if rows[i][name] != cell {
				t.Errorf("row %d: %s is %q, want %q", i+1, name, rows[i][name], cell)
			}
		}
	}
	if len(rows) != 6 {
		t.Errorf("%d rows, want 6", len(rows))
	}
}

func TestRowsOfUnknownLink(t *testing.T) {
	rows, err := rowsOf(t, Rows{}, captureOf(t, 195, []byte("abc"), []byte("de")))
	var link *LinkError
	if !errors.As(err, &link) || err.Error() != "link type 195: the headers of 2 frames cannot be read" {
		t.Errorf("%v", err)
	}
	if len(rows) != 2 || rows[1]["captured"] != "2" || rows[1]["link"] != "link type 195" || rows[1]["src"] != "" {
		t.Errorf("rows %v", rows)
	}
}

func TestRowsOfDamage(t *testing.T) {
	file := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 14, 14}, [4]uint32{1, 3, 14, 14})
	rows, err := rowsOf(t, Rows{}, file[:len(file)-1])
	var damage *DamageError
	if !errors.As(err, &damage) || damage.Frames != 1 || len(rows) != 1 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestRowsStopWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := NewReader(bytes.NewReader(benchmarkCapture(2 * rowsPerBatch)))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	out, err := table.New(&text, table.CSV, Columns())
	if err != nil {
		t.Fatal(err)
	}
	if err := (Rows{}).Write(ctx, []string{"x"}, r, out); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if out.Rows() != rowsPerBatch {
		t.Errorf("%d rows, want one batch", out.Rows())
	}
}

// BenchmarkRows measures rows as CSV, per packet.
func BenchmarkRows(b *testing.B) {
	data := benchmarkCapture(50_000)
	n := 0
	start := cpuTime(b)
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		f, err := table.New(io.Discard, table.CSV, Columns())
		if err != nil {
			b.Fatal(err)
		}
		if err := (Rows{}).Write(context.Background(), []string{"x"}, r, f); err != nil {
			b.Fatal(err)
		}
		n += int(f.Rows())
	}
	b.ReportMetric(float64(cpuTime(b)-start)/float64(n), "ns/packet")
	b.ReportMetric(0, "ns/op")
}
