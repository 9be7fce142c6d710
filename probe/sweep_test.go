package probe

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/model"
)

const delayFactor = "link.all.both.delay"

func swept(t *testing.T, dir, scores string, o SweepOptions) (*SweepReport, error) {
	t.Helper()
	m, err := model.Open(scores, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	o.Draws = 300
	return Sweep(context.Background(), dir, m, o)
}

// seeded writes the table of runs: runs of the same scenario in turn share a seed over the delays.
func seeded(t *testing.T, dir string, runs int) {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintln(&b, "run,entry,index,seed")
	for r := range runs {
		fmt.Fprintf(&b, "run%d,e%d,%d,%d\n", r, r%3, r, 1000+r/(3*len(delays)))
	}
	if err := os.WriteFile(filepath.Join(dir, "runs.csv"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSweepFindsWhereDetectionFalls makes attacks whose score falls with retransmissions only: detection falls along
// the delay, a level is found, and with retransmissions held the delay does nothing.
func TestSweepFindsWhereDetectionFalls(t *testing.T) {
	const runs = 480
	dir, scores := world{runs: runs, each: 4, score: depleted, seed: 5}.write(t)
	seeded(t, dir, runs)
	half := 0.6
	r, err := swept(t, dir, scores, SweepOptions{By: []string{delayFactor}, Options: Options{Threshold: &half}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Curves) != 3 || r.Seeds != 120 {
		t.Fatalf("%d curves, %d seeds at every level; want 3 and 120", len(r.Curves), r.Seeds)
	}
	attack := r.Curves[0]
	if attack.Activity != "sqli/dump" || !attack.Attack || len(attack.Points) != 4 {
		t.Fatalf("curve %+v", attack)
	}
	first, last := attack.Points[0], attack.Points[3]
	if first.Level != "1ms" || last.Level != "100ms" || math.Abs(*last.RTT-0.4) > 1e-9 || math.Abs(*last.Retransmissions-5) > 0.5 || *first.Retransmissions != 0 {
		t.Errorf("levels %+v and %+v", first, last)
	}
	if first.Called.Share < 0.99 || last.Called.Share > 0.6 || !last.Band.Has(last.Mean) || last.Trend < first.Trend {
		t.Errorf("from %+v to %+v: detection does not fall", first, last)
	}
	if attack.Slope.N != 40 || attack.Slope.Shift > -2 || attack.Slope.P > 1e-4 { // 0.06 x 50 retransmissions a second of delay
		t.Errorf("slope %+v, want about -3 a second", attack.Slope)
	}
	if benign := r.Curves[1]; benign.Attack || benign.Slope.P < 0.001 {
		t.Errorf("benign: %+v", benign.Slope)
	}
	found := map[string]Fall{}
	for _, f := range r.Falls {
		found[f.By] = f
	}
	if f := found[delayFactor]; f.Level == nil || *f.Level < 0.03 || *f.Level > 0.1 || f.Interval == nil || !f.Interval.Has(*f.Level) {
		t.Errorf("by the delay: %+v", f)
	}
	if f := found["retransmissions"]; f.Level == nil || math.Abs(*f.Level-3.3) > 1 { // 0.85 - 0.06 n = 0.6 + what makes 90 %
		t.Errorf("by retransmissions: %+v", f)
	}
	m := map[string]Mediation{}
	for _, x := range r.Mediation {
		m[x.Class] = x
	}
	if a := m["attack"]; a.Total < 2 || a.Share < 0.9 || !a.DirectIn.Has(0) || a.Interval.Has(0) {
		t.Errorf("mediation %+v: all goes through retransmissions", a)
	}
	out := filepath.Join(t.TempDir(), "sweep")
	if err := r.Write(out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sweep.json", "curves.csv", "scores.csv", "curves.svg", "scores.svg"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() < 100 {
			t.Errorf("%s: %v", name, err)
		}
	}
	var text bytes.Buffer
	if err := r.WriteText(&text, out); err != nil || !strings.Contains(text.String(), "detection falls below 0.9 at link.all.both.delay") {
		t.Errorf("%v:\n%s", err, text.String())
	}
}

// TestSweepOfTwoFactors makes a curve for each level of the second.
func TestSweepOfTwoFactors(t *testing.T) {
	dir, scores := world{runs: 240, each: 2, seed: 6, score: func(random *rand.Rand, attack bool, scenario int, delay float64, again int) float64 {
		return 0.5 + random.NormFloat64()/10
	}}.write(t)
	r, err := swept(t, dir, scores, SweepOptions{By: []string{delayFactor, "server_implementation"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Curves) != 6 || r.Curves[0].Second != "apache2" || r.Curves[1].Second != "nginx" {
		t.Errorf("%d curves, the first at %q", len(r.Curves), r.Curves[0].Second)
	}
	for _, f := range r.Falls { // scores say nothing: no level may be told as if it were sure
		if f.Level != nil && f.Interval != nil && f.Why == "" {
			t.Errorf("a level where nothing falls: %+v", f)
		}
	}
	for _, test := range []struct {
		by   []string
		want string
	}{{nil, "one or two factors"}, {[]string{"delay"}, "it has params.twin"}, {[]string{"failure"}, "one level of failure only"}, {[]string{"params.name"}, "240 levels"}} {
		if _, err := swept(t, dir, scores, SweepOptions{By: test.by}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("by %v: %v, want %q", test.by, err, test.want)
		}
	}
}
