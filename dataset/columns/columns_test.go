package columns

import (
	"bytes"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"

	"detgen/packet"
	"detgen/record"
	"detgen/truth"
)

// told makes a connection of packets, one a millisecond, each a letter of Zeek's history: of the client in upper case.
func told(protocol uint8, packets string) *connection {
	c := &connection{Connection: &truth.Connection{Protocol: protocol, Client: truth.Endpoint{Address: netip.MustParseAddr("10.0.0.1"), Port: 1000},
		Server: truth.Endpoint{Address: netip.MustParseAddr("10.0.0.2"), Port: 80}}, run: &Run{ID: "r", Entry: "e", Split: "train"}, number: 1}
	var next [2]uint32
	for i, letter := range packets {
		f := &truth.Frame{Time: 1e18 + int64(i)*1e6, Length: 60, TTL: 64, Window: 500, FromClient: letter < 'a'}
		side := 1
		if f.FromClient {
			side = 0
		}
		f.Seq = next[side]
		switch strings.ToUpper(string(letter)) {
		case "S":
			f.Flags, f.Seq = packet.SYN, 100
			next[side] = 101
		case "H":
			f.Flags, f.Seq = packet.SYN|packet.ACK, 100
			next[side] = 101
		case "A":
			f.Flags = packet.ACK
		case "D":
			f.Flags, f.Payload, f.Length = packet.ACK|packet.PSH, 10, 64
			f.Seen = packet.SeenNone
			next[side] += 10
		case "T":
			f.Flags, f.Payload, f.Seen = packet.ACK, 10, packet.SeenAll
			f.Seq -= 10
		case "F":
			f.Flags = packet.FIN | packet.ACK
		case "R":
			f.Flags = packet.RST
		}
		c.frames = append(c.frames, f)
		c.ip = append(c.ip, 40+f.Payload)
	}
	c.recognise()
	return c
}

// TestZeekStates has the states of Zeek's conn.log for connections that begin and end in all ways.
func TestZeekStates(t *testing.T) {
	for _, c := range []struct {
		protocol                uint8
		packets, history, state string
		up, down                int64
	}{
		{6, "ShADadDdFfA", "ShADadFf", "SF", 20, 20},
		{6, "ShADTTadFf", "ShADTadFf", "SF", 10, 10},
		{6, "S", "S", "S0", 0, 0},
		{6, "SSS", "S", "S0", 0, 0},
		{6, "Sr", "Sr", "REJ", 0, 0},
		{6, "Sh", "Sh", "S1", 0, 0},
		{6, "ShAD", "ShAD", "S1", 10, 0},
		{6, "ShR", "ShR", "RSTO", 0, 0},
		{6, "ShADr", "ShADr", "RSTR", 10, 0},
		{6, "ShADdFaR", "ShADdFaR", "S2", 10, 10},
		{6, "ShADdfAR", "ShADdfR", "RSTO", 10, 10},
		{6, "ShADdfA", "ShADdf", "S3", 10, 10},
		{6, "SR", "SR", "RSTOS0", 0, 0},
		{6, "SF", "SF", "SH", 0, 0},
		{6, "Dd", "Dd", "OTH", 10, 10},
		{17, "Dd", "Dd", "SF", 10, 10},
		{17, "DD", "D", "S0", 20, 0},
		{17, "d", "d", "SHR", 0, 10},
		{1, "Dd", "", "OTH", 10, 10},
	} {
		got := told(c.protocol, c.packets).seen
		if got.history != c.history || got.state != c.state || got.sides[0].stream != c.up || got.sides[1].stream != c.down {
			t.Errorf("%s of %d: %s %s, %d and %d bytes", c.packets, c.protocol, got.history, got.state, got.sides[0].stream, got.sides[1].stream)
		}
	}
}

// TestUNSW has times, losses and states of UNSW-NB15 for a connection that is known packet by packet.
func TestUNSW(t *testing.T) {
	c := told(packet.ProtocolTCP, "ShADTadFf")
	c.words = words{"attack", "dos", "http-flood", "one"}
	want := map[string]string{
		"srcip": "10.0.0.1", "sport": "1000", "dsport": "80", "proto": "tcp", "state": "FIN", "dur": "0.008000", "sbytes": "304", "dbytes": "244", "sttl": "64",
		"sloss": "1", "dloss": "0", "Spkts": "5", "Dpkts": "4", "smeansz": "60", "stcpb": "100", "synack": "0.001000", "ackdat": "0.001000", "tcprtt": "0.002000",
		"Sintpkt": "1.750000", "Sjit": "1.000000", "Sload": "304000.000000", "Stime": "1000000000", "attack_cat": "DoS", "Label": "1", "task": "one", "split": "train",
	}
	for _, f := range unswFields {
		if w, ok := want[f.Name]; ok {
			delete(want, f.Name)
			if got := f.text(c); got != w {
				t.Errorf("%s: %s, want %s", f.Name, got, w)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no columns %v", want)
	}
}

// TestZeekLog has the lines before the rows as Zeek writes them, unset cells, and nothing in a cell that divides cells.
func TestZeekLog(t *testing.T) {
	var b bytes.Buffer
	zeekHead(&b, 1e18)
	const want = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2001-09-09-01-46-40\n" +
		"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\t" +
		"missed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tlabel\tscenario\ttask\trun\tentry\tsplit\n#types\ttime\tstring\taddr\tport\taddr\tport\t" +
		"enum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\tstring\tstring\tstring\tstring\tstring\tstring\n"
	if b.String() != want {
		t.Errorf("%s", b.String())
	}
	row := func(c *connection) string {
		var cells []string
		for _, f := range zeekFields {
			cells = append(cells, zeekText(f.text(c)))
		}
		cells[1] = cells[1][:1]
		return strings.Join(cells, " ")
	}
	if got, want := row(told(packet.ProtocolTCP, "S")), "1000000000.000000 C 10.0.0.1 1000 10.0.0.2 80 tcp - - - - S0 T T 0 S 1 40 0 0 - BENIGN - - r e train"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got, want := row(told(protocolICMP, "Dd")), "1000000000.000000 C 10.0.0.1 8 10.0.0.2 0 icmp - 0.001000 10 10 OTH T T 0 - 1 50 1 50 - BENIGN - - r e train"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := zeekText("a\tb\\\n"); got != `a\x09b\x5c\x0a` {
		t.Errorf("%s", got)
	}
}

// TestCICLabels gives each task that docs/cicids2017.md names the label under which it stands there.
func TestCICLabels(t *testing.T) {
	text, err := os.ReadFile("../../docs/cicids2017.md")
	if err != nil {
		t.Fatal(err)
	}
	tasks := 0
	for _, item := range strings.Split(string(text), "\n- **")[1:] {
		label, rest, _ := strings.Cut(item, "**")
		if label == benign {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z-]+)/([a-z-]+)`").FindAllStringSubmatch(rest, -1) {
			tasks++
			if got := (words{"attack", "", m[1], m[2]}).in(CICIDS2017); got != label {
				t.Errorf("%s/%s: %q, the page says %q", m[1], m[2], got, label)
			}
		}
	}
	if tasks < 20 {
		t.Errorf("%d tasks", tasks)
	}
	for _, c := range []struct {
		w    words
		set  Set
		want string
	}{
		{words{"benign", "", "web", "get"}, CICIDS2017, "BENIGN"},
		{words{}, CNS2022, "BENIGN"},
		{words{"attack", "", "ares", "command"}, CNS2022, "Botnet"},
		{words{"attack", "", "sqli", "union"}, ML, "Web Attack - Sql Injection"},
		{words{"attack", "traversal", "xxe", "read"}, CICIDS2017, "xxe"},
		{words{"attack", "mitm", "arp-spoof", "x"}, UNSW, "mitm"},
	} {
		if got := c.w.in(c.set); got != c.want {
			t.Errorf("%v in %s: %q", c.w, c.set, got)
		}
	}
}

// TestMissingCaptures says which run has none.
func TestMissingCaptures(t *testing.T) {
	r := &record.Record{Result: record.Result{Captures: []record.Capture{{File: "captures/client.pcap", SHA256: "0"}}}}
	_, err := Write(t.Context(), t.TempDir()+"/x", Zeek, "csv", []Run{{Dir: t.TempDir(), ID: "abc", Record: r}})
	if err == nil || !strings.HasPrefix(err.Error(), "run abc: ") {
		t.Error(err)
	}
}
