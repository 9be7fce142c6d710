package truth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/record"
)

// Frames that got lost where nothing can lose them, and those that nobody sent, are not explained: with
// too many of them the run is refused, and gets no tables.
func TestTooFewFramesExplainedIsAnError(t *testing.T) {
	for _, c := range []struct {
		name         string
		lost, unsent int // of 300
		link         record.Link
		systems      bool   // hosts are whole systems, and the frames theirs
		want         string // "" for none
	}{
		{"all explained", 0, 0, record.Link{}, false, ""},
		{"few enough are lost", 2, 0, record.Link{}, false, ""},
		{"lost on perfect links", 5, 0, record.Link{}, false, "explained"},
		{"of systems that do not stop", 5, 0, record.Link{}, true, ""},
		{"of systems, sent by nobody", 0, 5, record.Link{}, true, "(5 of "},
		{"lost on links that were asked to lose", 5, 0, record.Link{Loss: 0.02}, false, ""},
		{"sent by nobody", 0, 5, record.Link{Loss: 0.02}, false, "(5 of "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, "a", "b")
			s.rec.Run.Hosts[0].Interfaces[0].Up = c.link
			s.rec.Result.Systems = c.systems
			for n := range 300 {
				if n >= c.unsent {
					s.at(0, float64(n*100), data(n))
				}
				if n < 300-c.lost {
					s.at(1, float64(n*100+50), data(n))
				}
			}
			s.write()
			err := Label(s.dir, s.rec)
			_, missing := os.Stat(filepath.Join(s.dir, PacketsFile))
			if c.want == "" && (err != nil || missing != nil) {
				t.Errorf("error %v; table: %v", err, missing)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || missing == nil) {
				t.Errorf("error %v, want %q; table: %v", err, c.want, missing)
			}
		})
	}
}
