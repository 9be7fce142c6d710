package dataset

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"detgen/dataset/plan"
	"detgen/record"
	"detgen/table"
	"detgen/truth"
)

// written writes a run's table of n rows, each cell as long as those of real runs are, and gives its path.
func written(tb testing.TB, dir, name string, columns []table.Column, n int) {
	tb.Helper()
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.Name
	}
	w.Write(head)
	words := map[string]string{"class": "benign", "src": "192.168.161.78", "dst": "192.168.161.49", "client": "192.168.161.78", "server": "192.168.161.49", "capture": "captures/client.pcap", "peer_capture": "captures/server.pcap"}
	for r := range n {
		row := make([]string, len(columns))
		for i, c := range columns {
			switch {
			case c.Kind == table.Text:
				if row[i] = words[c.Name]; row[i] == "" && i%2 == 0 {
					row[i] = "something"
				}
			case c.Kind == table.Bool:
				row[i] = "1"
			case c.Kind == table.Time:
				row[i] = strconv.Itoa(1795982235461629000 + r*12345)
			case c.Kind == table.Float:
				row[i] = strconv.FormatFloat(float64(r*i)/7, 'g', -1, 64)
			case c.Optional && (r+i)%3 == 0:
			default:
				row[i] = strconv.Itoa(r * i)
			}
		}
		w.Write(row)
	}
	w.Flush()
	if err := os.WriteFile(filepath.Join(dir, name), text.Bytes(), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkTables writes the tables of 1000 runs with 30 connections and 2000 rows of packets each: 30,000 connections
// and 2 million packets.
func BenchmarkTables(b *testing.B) {
	d := &Dataset{Dir: b.TempDir()}
	id := fmt.Sprintf("%032x", 1)
	dir := filepath.Join(d.Dir, RunsFolder, id)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	written(b, dir, truth.ConnectionsFile, truth.ConnectionColumns(), 30)
	written(b, dir, truth.PacketsFile, truth.PacketColumns(), 2000)
	m := &member{id: id, split: "train", run: &plan.Run{Entry: &plan.Entry{Name: "entry"}}, record: &record.Record{Run: record.Run{Values: []record.Value{{Name: "link.all.both.loss", Value: "1%"}}}}}
	members := make([]*member, 1000)
	for i := range members {
		members[i] = m
	}
	for _, format := range []table.Format{table.CSV, table.Parquet} {
		b.Run(string(format), func(b *testing.B) {
			for b.Loop() {
				for name, columns := range map[string][]table.Column{truth.ConnectionsFile: truth.ConnectionColumns(), truth.PacketsFile: truth.PacketColumns()} {
					if err := d.gather(b.Context(), members, name, columns, factorsOf(members), "out-"+name+"."+string(format), format); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
