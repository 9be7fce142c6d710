package train

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/flow"
	"detgen/model"
	"detgen/model/items"
	"detgen/seed"
)

// table is a table of flows in which attacks are shorter.
func table(t *testing.T, label func(i int) string) *items.Dataset {
	t.Helper()
	var text strings.Builder
	text.WriteString("Destination Port,Protocol," + strings.Join(flow.StatisticNames(), ",") + ",Label\n")
	for i := range 200 {
		duration := 1000 + i*37%500
		if label(i) != "BENIGN" {
			duration = 100 + i*31%500
		}
		text.WriteString("80,6," + strconv.Itoa(duration) + strings.Repeat(",0", flow.Statistics-1) + "," + label(i) + "\n")
	}
	path := filepath.Join(t.TempDir(), "flows.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := items.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func thirds(i int) string {
	if i%3 == 0 {
		return "PortScan"
	}
	return "BENIGN"
}

func TestTrainedForestIsSavedAndOpened(t *testing.T) {
	d := table(t, thirds)
	result, err := Run(context.Background(), "forest", d, Options{Seed: 1, Trees: 20})
	if err != nil {
		t.Fatal(err)
	}
	if result.Detected < 0.99 || result.False > 0.01 || result.Items != 180 || result.Held != 20 {
		t.Errorf("result %+v", result)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "a.model")
	if err := result.Saved.Save(path); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(path, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	about := m.Describe()
	if about.Hash == "" || *about.Threshold != result.Threshold || about.Kind != model.Flows {
		t.Errorf("description %+v", about)
	}
	made, err := d.Make(context.Background(), about, nil)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := m.Score(context.Background(), made.Items)
	if err != nil {
		t.Fatal(err)
	}
	for i := range scores {
		if (scores[i].Score > *about.Threshold) != d.Connections[i].Attack {
			t.Errorf("item %d has %v", i, scores[i])
		}
	}
	again, err := Run(context.Background(), "forest", d, Options{Seed: 1, Trees: 20})
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(folder, "b.model")
	if err := again.Saved.Save(other); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(path)
	b, _ := os.ReadFile(other)
	if string(a) != string(b) {
		t.Error("the same seed gave another file")
	}
	if err := os.WriteFile(other, []byte(strings.Replace(string(b), `"p":`, `"p":7`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(other, model.Options{}); err == nil || !strings.Contains(err.Error(), "tree 1, node 0: p is") {
		t.Errorf("a damaged file: %v", err)
	}
}

func TestWhatCannotBeTrained(t *testing.T) {
	one := table(t, func(int) string { return "BENIGN" })
	for name, test := range map[string]struct {
		kind  string
		d     *items.Dataset
		o     Options
		wrong string
	}{
		"one class": {"forest", one, Options{}, "0 attacks among 180 items"},
		"kind":      {"gnn", one, Options{}, "there are forest, lstm, kitnet, cbam"},
		"split":     {"forest", one, Options{Split: "train"}, `no connection in split "train"`},
		"packets":   {"lstm", one, Options{}, "table of flows"},
		"recipe":    {"lstm", one, Options{Recipe: "token1"}, `did you mean "tokens1"`},
	} {
		if _, err := Run(context.Background(), test.kind, test.d, test.o); err == nil || !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %v, want %q", name, err, test.wrong)
		}
	}
}

// TestThresholdOfCBAM holds sessions out whose scores overlap: its threshold is one that 0.1 % of the benign are above,
// whatever the attacks have.
func TestThresholdOfCBAM(t *testing.T) {
	network, err := contexts(context.Background(), append(sessionsOf(0, 20), sessionsOf(3, 5)...), Options{}, seed.Stream(1, "test"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		odd           int // benign sessions that are as no other, among 2000
		attack        int // attacks are sessions of this kind
		detected, out float64
	}{
		"attacks surprise most":      {0, 9, 1, 0},
		"a benign session more":      {1, 3, 1, 0.0005},
		"two of two thousand may":    {2, 3, 1, 0.001},
		"three may not":              {3, 3, 0, 0},
		"attacks are as benign ones": {0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &set{made: &items.Made{}}
			for i := range 2100 {
				kind, attack := 0, i >= 2000
				switch {
				case attack:
					kind = test.attack
				case i < test.odd:
					kind = 9
				}
				s.made.Items = append(s.made.Items, model.Item{ID: strconv.Itoa(i), Steps: sessionsOf(kind, 1)[0]})
				s.attack, s.held = append(s.attack, attack), append(s.held, i)
			}
			about, err := describe("cbam", &Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := &Result{Saved: &model.Saved{Format: 1, Description: about, CBAM: network}}
			if err := s.threshold(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			if r.Detected != test.detected || r.False != test.out {
				t.Errorf("threshold %v: %v of the attacks and %v of the benign sessions are above, want %v and %v", r.Threshold, r.Detected, r.False, test.detected, test.out)
			}
		})
	}
}

// sessionsOf gives sessions of five connections to a port by kind: where the test's CBAM was trained, 0 is frequent, 3 is
// rare, and others are not there.
func sessionsOf(kind, count int) (list [][][]float32) {
	for range count {
		var session [][]float32
		for k := range 5 {
			session = append(session, []float32{6, float32(80 + kind), 1, float32(1000 + 10*k), 0.1})
		}
		list = append(list, session)
	}
	return list
}
