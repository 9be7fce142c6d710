package suricata

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/catalogue"
	"detgen/image"
	"detgen/internal/labtest"
	"detgen/record"
	"detgen/truth"
)

func TestRulesHaveReasons(t *testing.T) {
	list, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Errorf("%d rules", len(list))
	}
	seen := map[int]bool{}
	for _, r := range list {
		if seen[r.ID] {
			t.Errorf("rule %d is there twice", r.ID)
		}
		seen[r.ID] = true
		if len(r.Reason) < 20 {
			t.Errorf("rule %d has no reason", r.ID)
		}
	}
}

func TestParse(t *testing.T) {
	const good = `{"timestamp":"2026-11-29T13:46:27.476351+0000","event_type":"alert","pcap_cnt":105,"src_ip":"10.0.0.1","src_port":35830,` +
		`"dest_ip":"10.0.0.2","dest_port":443,"proto":"TCP","alert":{"signature_id":9000030,"signature":"TLS"}}` + "\n"
	alerts, err := parse(strings.NewReader(`{"event_type":"stats"}` + "\n" + good))
	if err != nil || len(alerts) != 1 {
		t.Fatalf("got %v, %v", alerts, err)
	}
	if a := alerts[0]; a.Rule != 9000030 || a.Frame != 105 || a.Source.String() != "10.0.0.1:35830" || a.Destination.String() != "10.0.0.2:443" ||
		a.Time.UnixNano() != time.Date(2026, 11, 29, 13, 46, 27, 476351000, time.UTC).UnixNano() {
		t.Errorf("got %+v", a)
	}
	for name, bad := range map[string]string{
		"not JSON":   "alert\n",
		"no time":    strings.Replace(good, "2026-11-29T", "", 1),
		"no address": strings.Replace(good, "10.0.0.1", "here", 1),
	} {
		if _, err := parse(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "eve.json:1") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestHeartbleed reads the captures of an attack and of its benign twin: the alerts are about the attacker's connection,
// whoever's capture is read, and there are none where nobody attacks.
func TestHeartbleed(t *testing.T) {
	l := newLab(t)
	rule := 9000030
	for _, test := range []struct {
		task   string
		alerts bool
	}{{"heartbleed/check", true}, {"heartbleed/visit", false}} {
		dir := l.run(t, test.task)
		tr := read(t, dir)
		for _, c := range tr.Captures {
			findings := l.findings(t, dir, tr, c.File)
			if want := test.alerts && c.Host != "client"; (len(findings) > 0) != want {
				t.Errorf("%s: %s: alerts %v, want some: %v", test.task, c.File, findings, want)
			}
			for _, f := range findings {
				if f.Rule != rule || f.Connection == 0 || class(tr, f.Connection) != "attack" {
					t.Errorf("%s: %s: %+v, want rule %d about a connection of the attacker", test.task, c.File, f, rule)
				}
				byEnds := f.Alert
				byEnds.Frame = 0
				if got := between(tr, byEnds); got != f.Connection {
					t.Errorf("%s: by its ends alert %+v is about connection %d, by its frame about %d", test.task, f.Alert, got, f.Connection)
				}
			}
		}
	}
}

func TestWhatIsNoCapture(t *testing.T) {
	l := newLab(t)
	file := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(file, []byte("this is no capture, but it is long enough for a header"), 0o600); err != nil {
		t.Fatal(err)
	}
	alerts, err := (&Detector{Layers: l.layers}).Read(t.Context(), file)
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, %v", alerts, err)
	}
}

// lab makes runs and reads them.
type lab struct {
	detgen string   // the program
	layers []string // of the image with Suricata
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if testing.Short() {
		t.Skip("makes labs and reads captures in an image")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
	l := &lab{detgen: labtest.Program(t)}
	recipes, err := image.Load(image.Folder{FS: catalogue.FS, Name: "catalogue"})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := image.CacheDir("")
	if err != nil {
		t.Fatal(err)
	}
	store, err := image.Open(cache, recipes, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	images, err := store.Ensure(t.Context(), Image)
	if err != nil {
		t.Fatal(err)
	}
	l.layers = images[0].Layers
	return l
}

// run makes a run of a task and gives its directory.
func (l *lab) run(t *testing.T, task string, settings ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	args := []string{"run", task, "--seed", "1", "-o", dir}
	for _, s := range settings {
		args = append(args, "-s", s)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, l.detgen, args...).CombinedOutput(); err != nil {
		t.Fatalf("detgen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return dir
}

func read(t *testing.T, dir string) *truth.Truth {
	t.Helper()
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := truth.Read(dir, rec)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func (l *lab) findings(t *testing.T, dir string, tr *truth.Truth, capture string) []finding {
	t.Helper()
	alerts, err := (&Detector{Layers: l.layers}).Read(t.Context(), filepath.Join(dir, capture))
	if err != nil {
		t.Fatal(err)
	}
	findings, err := join(tr, capture, alerts)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// class is the label of a connection.
func class(tr *truth.Truth, connection int) string {
	c := &tr.Connections[connection-1]
	if c.Activity < 0 {
		return ""
	}
	return tr.Record.Run.Activities[c.Activity].LabelsOf(c.Client.Host, c.Server.Host).Class
}

// finding is an alert and what our labels say of its connection.
type finding struct {
	Alert
	Connection int // as in connections.csv, from 1; 0: the frame belongs to none
}

// join finds the connections that alerts about a capture of a run are about: that of the frame, or where Suricata names
// no frame, the one between these ends at that time. capture is the file as the record of the run names it
// ("captures/server.pcap").
func join(t *truth.Truth, capture string, alerts []Alert) ([]finding, error) {
	i := slices.IndexFunc(t.Captures, func(c *truth.Capture) bool { return c.File == capture })
	if i < 0 {
		return nil, fmt.Errorf("suricata: the run has no capture %s", capture)
	}
	frames := t.Captures[i].Frames
	findings := make([]finding, len(alerts))
	for k, a := range alerts {
		f := finding{Alert: a}
		switch {
		case a.Frame > len(frames):
			return nil, fmt.Errorf("suricata: an alert is about frame %d of %s, which has %d", a.Frame, capture, len(frames))
		case a.Frame > 0:
			f.Connection = int(frames[a.Frame-1].Connection) + 1
		default:
			f.Connection = between(t, a)
		}
		findings[k] = f
	}
	return findings, nil
}

// between finds the last connection between the ends of an alert that had begun at its time; 0 is none.
func between(t *truth.Truth, a Alert) int {
	found := 0
	for i := range t.Connections {
		c := &t.Connections[i]
		client, server := netip.AddrPortFrom(c.Client.Address, c.Client.Port), netip.AddrPortFrom(c.Server.Address, c.Server.Port)
		if a.Between(client, server, c.Start) {
			found = i + 1
		}
	}
	return found
}
