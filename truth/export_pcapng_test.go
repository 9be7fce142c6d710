package truth

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"detgen/internal/oracle"
	"detgen/packet"
	"detgen/record"
)

// labelled is a small run with an ARP exchange and a session in which a segment is damaged and
// one is lost.
func labelled(t *testing.T) *Truth {
	s := newScript(t, "client", "server")
	a := &s.rec.Run.Activities[0]
	a.Labels.Class, a.Labels.Family, a.Labels.Technique, a.Failure = "attack", "bruteforce, slow", "T1110.001", "wrong-password"
	a.Chain = &record.Chain{Way: []string{"client", "server"}, Relayed: true}
	s.pass(0, 1, 5, 20, arp(0, 1))
	g := session(40000, 80, 5000)
	s.talk(100, g[:3]...)
	s.at(0, 500, tcp(g[3]))
	s.at(1, 530, flip(tcp(g[3]), 8*54+1))
	g[3].id = 9
	s.at(0, 600, tcp(g[3]))
	g[3].id = 10
	s.pass(0, 1, 700, 30, tcp(g[3]))
	s.talk(800, g[4:]...)
	return s.read()
}

func TestPcapngHasALabelForEachFrame(t *testing.T) {
	truth := labelled(t)
	var file bytes.Buffer
	if err := truth.WritePcapng(&file, "detgen", ""); err != nil {
		t.Fatal(err)
	}
	in, err := packet.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	var f packet.Frame
	var comments []string
	last := int64(0)
	for {
		if err := in.Next(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if f.Time < last {
			t.Errorf("frame %d is before the one before it", f.Number)
		}
		last = f.Time
		if n := f.Comments(); len(n) != 1 {
			t.Fatalf("frame %d has %d comments", f.Number, len(n))
		}
		comments = append(comments, f.Comments()[0])
	}
	if got, want := len(comments), len(truth.Captures[0].Frames)+len(truth.Captures[1].Frames); got != want {
		t.Errorf("%d frames, want %d", got, want)
	}
	if n := in.Interfaces(); len(n) != 2 || n[0].Name != "client:eth0" || n[1].Name != "server:eth0" {
		t.Errorf("interfaces %+v", n)
	}
	// A frame of no connection is on no way.
	const class, labels = ",attack,family=bruteforce; slow,technique=T1110.001", ",activity=main,scenario=test,task=talk,failure=wrong-password,span=main"
	for i, want := range map[int]string{
		0:  "0" + class + labels + ",kind=arp,direction=sent,src_host=client,dst_host=server,fate=delivered,delay=20000",
		2:  "1" + class + ",chain=main/1" + labels + ",kind=handshake,direction=sent,src_host=client,dst_host=server,fate=delivered,delay=30000,tcp_exact=new",
		8:  "1" + class + ",chain=main/1" + labels + ",kind=data,direction=sent,src_host=client,dst_host=server,fate=corrupted,damage=54.1,delay=30000,tcp_exact=new",
		9:  "1" + class + ",chain=main/1" + labels + ",kind=data,direction=received,src_host=client,dst_host=server,fate=corrupted,damage=54.1,delay=30000,tcp_exact=new",
		10: "1" + class + ",chain=main/1" + labels + ",kind=data,direction=sent,src_host=client,dst_host=server,fate=lost,tcp_class=retransmission,tcp_exact=retransmission",
	} {
		if comments[i] != want {
			t.Errorf("frame %d:\n%s, want\n%s", i+1, comments[i], want)
		}
	}
}

func TestPcapngOfOneHost(t *testing.T) {
	truth := labelled(t)
	var file bytes.Buffer
	if err := truth.WritePcapng(&file, "", "server"); err != nil {
		t.Fatal(err)
	}
	in, err := packet.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	var f packet.Frame
	n := 0
	for in.Next(&f) == nil {
		n++
	}
	if n != len(truth.Captures[1].Frames) {
		t.Errorf("%d frames, want %d", n, len(truth.Captures[1].Frames))
	}
	if err := truth.WritePcapng(io.Discard, "", "nobody"); err == nil {
		t.Error("a host that is not there was not refused")
	}
}

func TestWiresharkReadsTheLabels(t *testing.T) {
	if testing.Short() {
		t.Skip("needs tshark")
	}
	truth := labelled(t)
	path := filepath.Join(t.TempDir(), "labels.pcapng")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := truth.WritePcapng(file, "detgen", ""); err != nil {
		t.Fatal(err)
	}
	file.Close()
	rows := oracle.Tshark(t, path, `frame.comment contains "fate=corrupted"`, "frame.interface_name", "frame.comment")
	if len(rows) != 2 || rows[0][0] != "client:eth0" || !strings.HasPrefix(rows[0][1], "1,attack,") || rows[1][0] != "server:eth0" || !strings.HasPrefix(rows[1][1], "1,attack,") ||
		!strings.Contains(rows[1][1], ",damage=54.1,") {
		t.Errorf("tshark shows %q", rows)
	}
}

// spaces are those that only make columns.
var spaces = regexp.MustCompile(`(?m)^ +|( ) +`)

func TestStory(t *testing.T) {
	truth := labelled(t)
	var out bytes.Buffer
	if err := WriteStory(&out, truth.Story(Selection{})); err != nil {
		t.Fatal(err)
	}
	const want = `-- main
0.000005 client --> server ARP 10.0.0.1 about 10.0.0.2 20.0 us
0.000100 client --> server #1 TCP S seq 0 len 0 30.0 us
0.000200 server --> client #1 TCP SA seq 0 ack 1 len 0 30.0 us
0.000300 client --> server #1 TCP A seq 1 ack 1 len 0 30.0 us
0.000500 client ~~> server #1 TCP PA seq 1 ack 1 len 7 30.0 us CORRUPTED bits 54.1
0.000600 client --X server #1 TCP PA seq 1 ack 1 len 7 retransmission, LOST
0.000700 client --> server #1 TCP PA seq 1 ack 1 len 7 30.0 us retransmission
0.000800 server --> client #1 TCP A seq 1 ack 8 len 0 30.0 us
0.000900 server --> client #1 TCP PA seq 1 ack 8 len 10 30.0 us
0.001000 client --> server #1 TCP A seq 8 ack 11 len 0 30.0 us
0.001100 client --> server #1 TCP FA seq 8 ack 11 len 0 30.0 us
0.001200 server --> client #1 TCP FA seq 11 ack 9 len 0 30.0 us
0.001300 client --> server #1 TCP A seq 9 ack 12 len 0 30.0 us
`
	if got := spaces.ReplaceAllString(out.String(), "$1"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if n := len(truth.Story(Selection{Connection: 1})); n != 12 {
		t.Errorf("connection 1 has %d lines, want 12", n)
	}
	if n := len(truth.Story(Selection{Host: "nobody"})); n != 0 {
		t.Errorf("a host that is not there has %d lines", n)
	}
}

func TestOverviewNamesWhatHappened(t *testing.T) {
	truth := labelled(t)
	truth.Record.Result.Activities[0].Outcome = map[string]string{"status": "200"}
	var out bytes.Buffer
	if err := NewOverview(truth.Record, truth, nil).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"test/talk, seed 0: complete", "failure wrong-password, attack", "outcome status=200", "client  10.0.0.1/24", "captures/server.pcap", "Connections: 1",
		"#1  tcp  10.0.0.1:40000 (client)  10.0.0.2:80 (server)  main", "8/4 packets  21/10 bytes", "handshake complete, closing done",
		"Fates of 13 sent frames: 11 delivered, 1 lost, 1 corrupted;",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
