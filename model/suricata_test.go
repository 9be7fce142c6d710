package model

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/model/suricata"
)

// TestWorstAlert joins alerts to a connection: by frame, and by the ends where no frame is named.
func TestWorstAlert(t *testing.T) {
	client, server := netip.MustParseAddrPort("10.0.0.1:5000"), netip.MustParseAddrPort("10.0.0.2:80")
	item := Item{ID: "r/1", Frames: []uint64{3, 4, 8, 9}, Ends: Ends{Client: "10.0.0.1", ClientPort: 5000, Server: "10.0.0.2", ServerPort: 80, Start: 1_000_000_000}}
	at := time.Unix(2, 0)
	for _, test := range []struct {
		name   string
		alerts []suricata.Alert
		score  float64
		steps  []float64
	}{
		{"none", nil, 0, []float64{0, 0, 0, 0}},
		{"others'", []suricata.Alert{{Frame: 5, Severity: 1}, {Frame: 100, Severity: 1}}, 0, []float64{0, 0, 0, 0}},
		{"by frame", []suricata.Alert{{Frame: 8, Severity: 1}, {Frame: 4, Severity: 2}}, 3, []float64{0, 2, 3, 3}},
		{"milder later", []suricata.Alert{{Frame: 3, Severity: 1}, {Frame: 9, Severity: 3}}, 3, []float64{3, 3, 3, 3}},
		{"by ends", []suricata.Alert{{Severity: 2, Source: server, Destination: client, Time: at}}, 2, []float64{0, 0, 0, 2}},
		{"informational", []suricata.Alert{{Frame: 4, Severity: 4}, {Frame: 8, Severity: 3}}, 1, []float64{0, 0.5, 1, 1}},
		{"before it", []suricata.Alert{{Severity: 2, Source: server, Destination: client, Time: time.Unix(0, 5)}}, 0, []float64{0, 0, 0, 0}},
		{"other port", []suricata.Alert{{Severity: 2, Source: server, Destination: netip.MustParseAddrPort("10.0.0.1:5001"), Time: at}}, 0, []float64{0, 0, 0, 0}},
	} {
		s := worst(&item, test.alerts)
		if s.ID != "r/1" || s.Score != test.score || !slices.Equal(s.Steps, test.steps) {
			t.Errorf("%s: %+v, want %v and %v", test.name, s, test.score, test.steps)
		}
	}
}

func TestSuricataIsNamed(t *testing.T) {
	for spec, want := range map[string]string{
		"suricata:view=wall":       "neither rules=FILE nor view=",
		"suricata:rules=":          "neither rules=FILE nor view=",
		"suricata:rules=/nowhere":  "/nowhere: no such file",
		"suricata":                 "takes the image suricata",
		"suricata:view=client,ids": `"ids" is neither`,
	} {
		if _, err := Open(spec, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", spec, err)
		}
	}
}
