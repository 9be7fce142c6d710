package similarity

import (
	"path/filepath"
	"testing"

	"detgen/internal/oracle"
)

// publicCaptures are those with several connections of one kind: a teams call, FTP sessions, a visit to a website.
var publicCaptures = []string{"ndpi-teams.pcap", "zeek-ftp-cwd.pcap", "zeek-http-bro.org.pcap"}

// TestPublicCaptures: connections of one public capture are closer to each other than to those of another.
func TestPublicCaptures(t *testing.T) {
	dir := oracle.Data(t, "pcaps")
	o := NewOptions()
	var groups [][]*Sample
	var all []*Sample
	for _, name := range publicCaptures {
		s, err := Read(filepath.Join(dir, name), "", o)
		if err != nil {
			t.Fatal(err)
		}
		g := s.apart(6, o)
		t.Logf("%s: %d connections, %d of TCP with data", name, len(s.Connections), len(g))
		groups, all = append(groups, g), append(all, g...)
	}
	r := NewReference(all, o)
	for i, least := range []float64{0.9, 0.75, 0.8, 0.9, 0.8, 0.75, 0.85} {
		auc := groupAUC(Metrics[i], r, groups)
		t.Logf("%s: area under the ROC curve %.3f", Metrics[i].Name, auc)
		if !(auc >= least) {
			t.Errorf("%s: area under the ROC curve %.3f, want %.2f or more", Metrics[i].Name, auc, least)
		}
	}
}

// apart gives each connection of a protocol that has at least 5 packets as a sample.
func (s *Sample) apart(protocol uint8, o Options) (list []*Sample) {
	for i := range s.Connections {
		c := s.Connections[i]
		if c.Protocol != protocol || len(c.Packets) < 5 {
			continue
		}
		one := &Sample{Name: s.Name}
		var places []int
		for j, p := range c.Packets {
			packet := s.Packets[p]
			packet.Time -= c.Start
			packet.Connection = 0
			one.Packets = append(one.Packets, packet)
			places = append(places, j)
		}
		c.Start, c.Packets = 0, places
		one.Connections = []Connection{c}
		one.derive(o)
		list = append(list, one)
	}
	return list
}
