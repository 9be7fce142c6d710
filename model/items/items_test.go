package items

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/model"
	"detgen/packet"
	"detgen/record"
	"detgen/truth"
)

// epoch is when the tests' runs start.
var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// segment is a TCP segment between the two hosts of a test's run.
type segment struct {
	after    time.Duration // since the start
	back     bool          // from the server
	flags    byte
	seq, ack uint32
	payload  int
	lost     bool
	port     uint16 // of the client
}

const (
	fin = 1
	syn = 2
	psh = 8
	ack = 16
)

// talk is a connection in which the client asks and the server answers with two segments, the first of which is lost.
func talk(port uint16, start time.Duration) []segment {
	ms := time.Millisecond
	return []segment{
		{start, false, syn, 100, 0, 0, false, port},
		{start + 10*ms, true, syn | ack, 500, 101, 0, false, port},
		{start + 20*ms, false, ack, 101, 501, 0, false, port},
		{start + 21*ms, false, psh | ack, 101, 501, 300, false, port},
		{start + 31*ms, true, ack, 501, 401, 1460, true, port},
		{start + 32*ms, true, psh | ack, 1961, 401, 100, false, port},
		{start + 300*ms, true, ack, 501, 401, 1460, false, port},
		{start + 320*ms, false, fin | ack, 401, 2061, 0, false, port},
		{start + 330*ms, true, fin | ack, 2061, 402, 0, false, port},
		{start + 340*ms, false, ack, 402, 2062, 0, false, port},
	}
}

// delay is how long a segment of a test takes.
const delay = 5 * time.Millisecond

// run makes a labelled run directory of segments.
func run(t *testing.T, dir, class string, segments []segment) {
	t.Helper()
	names := []string{"client", "server"}
	rec := &record.Record{Format: record.Format}
	rec.Run.Networks = []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.0.0.0/24")}}
	labels := record.Labels{Class: class}
	if class == "attack" {
		labels.Family = "guess"
	}
	rec.Run.Activities = []record.Activity{{Name: "main", Scenario: "talks", Task: "talk", Labels: labels,
		Scripts: []record.Script{{Host: "client", Text: "talk"}}}}
	rec.Result.Status, rec.Result.Started = record.Complete, epoch
	rec.Result.Activities = []record.ActivityResult{{Name: "main", Start: epoch, End: epoch.Add(time.Hour)}}
	os.MkdirAll(filepath.Join(dir, "captures"), 0o755)
	for i, name := range names {
		rec.Run.Hosts = append(rec.Run.Hosts, record.Host{Name: name, Interfaces: []record.Interface{{
			Name: "eth0", Network: "lan", MAC: fmt.Sprintf("02:00:00:00:00:0%d", i+1), Address: netip.MustParsePrefix(fmt.Sprintf("10.0.0.%d/24", i+1)),
		}}})
		rec.Run.Hosts[i].Transport.MTU, rec.Run.Hosts[i].Digest = 1500, "sha256:"+strings.Repeat("0", 64)
		c := record.Capture{Host: name, Interface: "eth0", File: "captures/" + name + ".pcap"}
		file, err := os.Create(filepath.Join(dir, c.File))
		if err != nil {
			t.Fatal(err)
		}
		buffer := bufio.NewWriter(file)
		out, err := packet.NewPcapWriter(buffer, packet.LinkEthernet)
		if err != nil {
			t.Fatal(err)
		}
		var frames []packet.Frame
		for k, s := range segments {
			at := epoch.Add(s.after)
			if received := s.back != (i == 1); received {
				if s.lost {
					continue
				}
				at = at.Add(delay)
			}
			data := s.frame(uint16(k + 1))
			frames = append(frames, packet.Frame{Time: at.UnixNano(), Data: data, WireLen: len(data)})
		}
		slices.SortStableFunc(frames, func(a, b packet.Frame) int { return int(a.Time - b.Time) })
		for k := range frames {
			if err := out.Write(&frames[k]); err != nil {
				t.Fatal(err)
			}
		}
		out.Flush()
		buffer.Flush()
		file.Close()
		c.Frames = uint64(len(frames))
		if c.SHA256, c.Bytes, err = record.Digest(filepath.Join(dir, c.File)); err != nil {
			t.Fatal(err)
		}
		rec.Result.Captures = append(rec.Result.Captures, c)
	}
	rec.Result.Links = nil
	for _, host := range names {
		for _, d := range []record.Direction{record.Up, record.Down} {
			rec.Result.Links = append(rec.Result.Links, record.LinkResult{Host: host, Interface: "eth0", Direction: d})
		}
	}
	for i := range rec.Run.Hosts {
		rec.Run.Hosts[i].Interfaces[0].Up.Loss = 0.1
		rec.Run.Hosts[i].Interfaces[0].Down.Loss = 0.1
	}
	if err := truth.Label(dir, rec); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, record.FileName), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// frame gives a segment's Ethernet frame.
func (s *segment) frame(id uint16) []byte {
	b := make([]byte, 54+s.payload)
	from, to := byte(1), byte(2)
	sport, dport := s.port, uint16(80)
	if s.back {
		from, to, sport, dport = 2, 1, 80, s.port
	}
	copy(b, []byte{2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0, 0x45, 0})
	binary.BigEndian.PutUint16(b[16:], uint16(40+s.payload))
	binary.BigEndian.PutUint16(b[18:], id)
	copy(b[22:], []byte{64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to})
	binary.BigEndian.PutUint16(b[34:], sport)
	binary.BigEndian.PutUint16(b[36:], dport)
	binary.BigEndian.PutUint32(b[38:], s.seq)
	binary.BigEndian.PutUint32(b[42:], s.ack)
	b[46], b[47] = 0x50, s.flags
	binary.BigEndian.PutUint16(b[48:], 1000)
	return b
}

// dataset makes a dataset of two runs with two connections each, the second of them an attack.
func dataset(t *testing.T) *Dataset {
	t.Helper()
	dir := t.TempDir()
	var all [][]string
	for i, class := range []string{"benign", "attack"} {
		id := []string{"aaaa", "bbbb"}[i]
		run(t, filepath.Join(dir, "runs", id), class, append(talk(4000, 0), talk(4001, 9*time.Second)...))
		f, err := os.Open(filepath.Join(dir, "runs", id, truth.ConnectionsFile))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for k, row := range rows {
			switch {
			case k > 0:
				all = append(all, append([]string{id, "talks", "train", []string{"benign", "talks"}[i]}, row...))
			case i == 0:
				all = append(all, append([]string{"run", "entry", "split", "label"}, row...))
			}
		}
	}
	var text strings.Builder
	csv.NewWriter(&text).WriteAll(all)
	if err := os.WriteFile(filepath.Join(dir, truth.ConnectionsFile), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDatasetHasConnectionsWithLabels(t *testing.T) {
	d := dataset(t)
	var got []string
	for i := range d.Connections {
		c := &d.Connections[i]
		scenario, _ := d.Value(i, "scenario")
		got = append(got, fmt.Sprint(c.ID, " ", c.Label, " ", c.Attack, " ", c.Split, " ", c.Ends.ClientPort, " ", c.Ends.ServerPort, " ", scenario))
	}
	want := []string{"aaaa/1 benign false train 4000 80 talks", "aaaa/2 benign false train 4001 80 talks", "bbbb/1 talks true train 4000 80 talks", "bbbb/2 talks true train 4001 80 talks"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	alone, err := Open(filepath.Join(d.Path, runsFolder, "bbbb"))
	if err != nil {
		t.Fatal(err)
	}
	if c := alone.Connections[1]; c.ID != "bbbb/2" || c.Label != "talks" || !c.Attack {
		t.Errorf("of a run alone: %+v", c)
	}
}

func TestPacketSequences(t *testing.T) {
	d := dataset(t)
	m, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Packets}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Items) != 4 || m.Items[2].ID != "bbbb/1" || m.Attack(d, 1) || !m.Attack(d, 2) {
		t.Fatalf("items: %+v", m.Items)
	}
	// At the server, where what it sent is captured though it was lost. The times are the server's.
	want := [][]float32{
		{0, 1, 0, 0, 5},  // SYN
		{1, 1, 0, 7, 5},  // 5 ms later
		{0, 0, 0, 7, 5},  // 15 ms
		{0, 8, 4, 5, 5},  // 1 ms: 300 bytes
		{1, 0, 14, 7, 5}, // 5 ms: a full one
		{1, 8, 3, 5, 5},
		{1, 0, 14, 10, 5}, // 268 ms: again
		{0, 2, 0, 8, 5},
		{1, 2, 0, 7, 5},
		{0, 0, 0, 7, 5},
	}
	if got := m.Items[0].Steps; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("steps %v, want %v", got, want)
	}
	client, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Packets, Recipe: "bytes54-masked", View: "client", MaxSteps: 6}, []int{3})
	if err != nil {
		t.Fatal(err)
	}
	steps := client.Items[0].Steps
	if len(steps) != 6 || len(steps[0]) != 54 || steps[0][47] != syn || steps[0][12] != 8 || steps[0][14] != 0x45 || slices.Max(steps[0][26:46]) != 0 {
		t.Errorf("masked bytes: %v", steps)
	}
	whole, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Packets, Recipe: "bytes54", View: "client"}, []int{3})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(whole.Items[0].Steps); n != 9 || whole.Items[0].Steps[0][29] != 1 {
		t.Errorf("at the client, which one segment does not reach: %d steps, %v", n, whole.Items[0].Steps[0])
	}
}

func TestTracesKnowRetransmissions(t *testing.T) {
	d := dataset(t)
	var kinds []string
	err := d.Traces(context.Background(), []int{0}, TraceOptions{}, func(_ int, tr *Trace) error {
		for _, p := range tr.Packets {
			kinds = append(kinds, p.Exact.String())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(kinds) != 10 || kinds[6] != "retransmission" || kinds[4] != "new" {
		t.Errorf("%q", kinds)
	}
}

func TestFlowRows(t *testing.T) {
	d := dataset(t)
	names := []string{" Destination Port", "Tot Fwd Pkts", "bwd_iat_mean", "Total Length of Bwd Packet"}
	for mode, want := range map[string][]float64{
		"":        {80, 5, 0, 1560}, // at the client, which one segment does not reach
		"cic2021": {80, 4, 0, 3020}, // at the server, until the first FIN
	} {
		m, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Flows, Columns: names, Mode: mode}, nil)
		if err != nil {
			t.Fatal(mode, err)
		}
		if len(m.Items) != 4 {
			t.Fatalf("mode %q: %d items, %+v", mode, len(m.Items), m.Skipped)
		}
		if got := m.Items[1].Row; got[0] != want[0] || got[1] != want[1] || got[3] != want[3] || got[2] <= 0 {
			t.Errorf("mode %q: row %v, want about %v", mode, got, want)
		}
	}
	_, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Flows, Columns: []string{"Fwd IAT Men"}}, nil)
	if err == nil || !strings.Contains(err.Error(), `did you mean "Fwd IAT Mean"`) {
		t.Errorf("a wrong name: %v", err)
	}
}

func TestSessions(t *testing.T) {
	d := dataset(t)
	m, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Sessions}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range m.Items {
		got = append(got, fmt.Sprint(item.ID, item.Steps))
	}
	// The second connection begins 9 s after the first: a session of its own.
	want := []string{"aaaa/10.0.0.1#1[[6 80 1 3320 0]]", "aaaa/10.0.0.1#2[[6 80 1 3320 9]]", "aaaa/10.0.0.2#1[[6 80 0 3320 0]]", "aaaa/10.0.0.2#2[[6 80 0 3320 9]]"}
	if len(got) != 8 || !slices.Equal(got[:4], want) {
		t.Errorf("got %q", got)
	}
}

func TestTablesByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flows.csv")
	text := " Destination Port, Flow Duration, Total Fwd Packets, Label\n80,10,3,BENIGN\n22,20,Infinity,SSH-Patator\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Flows, Columns: []string{"Total Fwd Packet", "Dst Port"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Items) != 2 || m.Items[0].ID != "1" || m.Items[0].Row[0] != 3 || m.Items[1].Row[1] != 22 || m.Attack(d, 0) || !m.Attack(d, 1) {
		t.Errorf("items %+v", m.Items)
	}
	if _, err := d.Make(context.Background(), model.Description{Name: "m", Kind: model.Packets}, nil); err == nil || !strings.Contains(err.Error(), "table of flows") {
		t.Errorf("packets of a table: %v", err)
	}
}

func TestWhatIsNoDataset(t *testing.T) {
	folder := t.TempDir()
	put := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, wrong := range map[string]string{
		folder:                           "is no dataset and no complete run",
		put("a.csv", "x,y\n1,2\n"):       "no column of labels",
		put("b.csv", "x,label\n"):        "no connection has a label",
		put("c.csv", "x,label\n1,2,3\n"): "wrong number of fields",
		filepath.Join(folder, "nothing"): "no such file",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("Open(%s): %v, want %q", path, err, wrong)
		}
	}
}
