package flowset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/flow"
)

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flows.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSpellings: what each version calls otherwise gets one name, and identity does not count as measured.
func TestSpellings(t *testing.T) {
	tests := []struct{ name, text string }{
		{"original", " Destination Port, Flow Duration, Total Fwd Packets, Total Backward Packets, Label\n80,1000,3,2,DoS Hulk\n"},
		{"improved", "id,Dst Port,Flow Duration,Total Fwd Packet,Total Bwd packets,Label\n1,80,1000,3,2,DoS Hulk\n"},
		{"2018", "Dst Port,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,Label\n80,1000,3,2,DoS Hulk\n"},
		{"a dataset's label and class", "label,class,Dst Port,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts\nDoS Hulk,attack,80,1000,3,2\n"},
		{"zeek", "#separator \\x09\n#fields\tid.resp_p\tduration\torig_pkts\tresp_pkts\tlabel\n80\t0.001\t3\t2\tDoS Hulk\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := Read(context.Background(), written(t, test.text))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]float64{"Flow Duration": 1000, "Total Fwd Packets": 3, "Total Backward Packets": 2} {
				if got := s.Column(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s: got %v, want %v", name, got, want)
				}
			}
			if len(s.Columns) != 3 || len(s.Label) != 1 || s.DestinationPort[0] != 80 || s.Label[0] != "DoS Hulk" {
				t.Errorf("columns %v, port %v, label %q", s.Columns, s.DestinationPort, s.Label)
			}
		})
	}
}

// TestMistakes: each error has the place and the value.
func TestMistakes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"word for a number", "Flow Duration,Total Fwd Packets\n1,2\n1,many\n", `:3: Total Fwd Packets: "many" is not a number`},
		{"port", "Dst Port,Flow Duration,Total Fwd Packets\n70000,1,2\n", `:2: Dst Port: "70000" is not a port`},
		{"time", "Timestamp,Flow Duration,Total Fwd Packets\nyesterday,1,2\n", `:2: Timestamp: "yesterday" is not a time`},
		{"cells", "Flow Duration,Total Fwd Packets\n1,2,3\n", `line 2: wrong number of fields`},
		{"no numbers", "name\nx\n", `it has 0 columns of numbers`},
		{"empty", "", "EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Read(context.Background(), written(t, test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

// TestFactors: the factors in our tables are no features of flows.
func TestFactors(t *testing.T) {
	s, err := Read(context.Background(), written(t, "Flow Duration,params.tls,params.size,Total Fwd Packets,Total Fwd Packets.1\n1,1.2,10,2,2\n1,no,30,2,2\n"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range s.Columns {
		names = append(names, c.Name)
		if len(c.Values) != 2 {
			t.Errorf("%s has %d values", c.Name, len(c.Values))
		}
	}
	if strings.Join(names, ",") != "Flow Duration,"+flow.CommonName("Total Fwd Packets") {
		t.Errorf("columns %q", names)
	}
}

// TestTimes: the forms in which published tables write one moment.
func TestTimes(t *testing.T) {
	const want = 1499345400 // 2017-07-06 12:50:00 UTC
	for _, text := range []string{"2017-07-06 12:50:00", "06/07/2017 12:50:00 PM", "6/7/2017 12:50", "1499345400.0", "1499345400000000000"} {
		if got, err := when(text); err != nil || got != want*1e9 {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
}
