package probe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// flowTable writes a table of flows as others publish them: hosts look up a name, then fetch a page, 20 s apart; port is
// that of the page's server.
func flowTable(t *testing.T, sessions, port int, label string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Total Length of Fwd Packet,Total Length of Bwd Packet,Label\n")
	at := time.Date(2017, 7, 3, 12, 0, 0, 0, time.UTC)
	for i := range sessions {
		for range 2 {
			fmt.Fprintf(&b, "10.0.0.1,%d,10.0.0.2,53,17,%s,40,90,BENIGN\n", 1000+i, at.Format("2006-01-02 15:04:05.000000"))
			at = at.Add(30 * time.Millisecond)
			fmt.Fprintf(&b, "10.0.0.1,%d,10.0.0.3,%d,6,%s,300,%d,%s\n", 2000+i, port, at.Format("2006-01-02 15:04:05.000000"), 1000+i%7*500, label)
			at = at.Add(time.Second)
		}
		at = at.Add(20 * time.Second)
	}
	path := filepath.Join(t.TempDir(), "flows.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMirror trains on real sessions and asks about the same kind, and about another.
func TestMirror(t *testing.T) {
	real := flowTable(t, 150, 80, "BENIGN")
	ask := func(probed string) MirrorGroup {
		t.Helper()
		r, err := Mirror(context.Background(), real, probed, Options{Seed: 1}, 6, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Length < 2 || r.Groups[0].Name != "real, not seen" || r.Groups[0].Distance != 0 {
			t.Errorf("learned %.1f connections a session; %+v", r.Length, r.Groups[0])
		}
		if err := r.Write(filepath.Join(t.TempDir(), "mirror")); err != nil {
			t.Fatal(err)
		}
		return r.Groups[len(r.Groups)-1]
	}
	same, other := ask(real), ask(flowTable(t, 40, 4444, "PortScan"))
	if same.Distance > 0.25 || other.Distance < 0.9 || !other.Attack || other.Median < same.Median+0.1 {
		t.Errorf("the same kind: %+v; another: %+v", same, other)
	}
	few := flowTable(t, 5, 80, "BENIGN")
	if _, err := Mirror(context.Background(), few, real, Options{Seed: 1}, 1, nil); err == nil || !strings.Contains(err.Error(), "a model takes at least 63") {
		t.Errorf("too few sessions: %v", err)
	}
}
