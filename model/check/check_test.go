package check

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/oracle"
	"detgen/model"
	"detgen/model/items"
)

// faulty is a model of rows with a fault.
type faulty struct {
	about model.Description
	score func(call, place int, list []model.Item) float64 // of the item at a place of a call
	calls int
}

func (f *faulty) Describe() model.Description { return f.about }
func (f *faulty) Close() error                { return nil }
func (f *faulty) Score(_ context.Context, list []model.Item) ([]model.Score, error) {
	f.calls++
	out := make([]model.Score, len(list))
	for i := range list {
		out[i] = model.Score{ID: list[i].ID, Score: f.score(f.calls, i, list)}
	}
	return out, nil
}

// table is a dataset of 200 flows whose column a is higher in attacks.
func table(t *testing.T) *items.Dataset {
	t.Helper()
	var text strings.Builder
	text.WriteString("a,b,c,label\n")
	for i := range 200 {
		label, a := "benign", i%17
		if i%4 == 0 {
			label, a = "attack", i%17+10
		}
		text.WriteString(strconv.Itoa(a) + "," + strconv.Itoa(i*i%101) + ",7," + label + "\n")
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

func TestCheckFindsFaults(t *testing.T) {
	d := table(t)
	threshold := 1e6
	both := func(item model.Item) float64 { return item.Row[0] + item.Row[1]/1000 }
	tests := []struct {
		name  string
		score func(call, place int, list []model.Item) float64
		about model.Description
		check string // of the finding; "" for no fault
		says  string
	}{
		{"good", func(_, i int, l []model.Item) float64 { return both(l[i]) }, model.Description{}, "", ""},
		{"upside down", func(_, i int, l []model.Item) float64 { return -both(l[i]) }, model.Description{}, "direction", "benign items have higher scores"},
		{"not deterministic", func(call, i int, l []model.Item) float64 { return both(l[i]) + float64(call) }, model.Description{}, "deterministic", "200 of 200 scores differ"},
		{"order", func(_, i int, l []model.Item) float64 { return both(l[i]) + float64(i%2) }, model.Description{}, "order", "opposite order"},
		{"batch", func(_, i int, l []model.Item) float64 { return both(l[i]) / float64(len(l)) }, model.Description{}, "batch", "one by one"},
		{"NaN", func(_, i int, l []model.Item) float64 {
			if l[i].ID == "5" {
				return math.NaN()
			}
			return both(l[i])
		}, model.Description{}, "score", "item 5: the model's score is NaN"},
		{"constant", func(int, int, []model.Item) float64 { return 0.5 }, model.Description{}, "constant", "all 200 items have the score 0.5"},
		{"one column", func(_, i int, l []model.Item) float64 { return l[i].Row[0] }, model.Description{}, "columns", "do not matter to the model here: b"},
		{"same number", func(_, i int, l []model.Item) float64 { return both(l[i]) }, model.Description{}, "columns", "the same number in c"},
		{"no probability", func(_, i int, l []model.Item) float64 { return both(l[i]) }, model.Description{Probability: true}, "range", "is called a probability"},
		{"threshold", func(_, i int, l []model.Item) float64 { return both(l[i]) }, model.Description{Threshold: &threshold}, "threshold", "0 of 200 items are above"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.about.Name, test.about.Kind, test.about.Columns = "test", model.Flows, []string{"a", "b", "c"}
			r, err := Run(context.Background(), &faulty{about: test.about, score: test.score}, d, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if test.check == "" {
				if r.Faults() > 0 || *r.AUC < 0.8 {
					t.Errorf("%+v", r)
				}
				return
			}
			for _, f := range r.Findings {
				if f.Check == test.check && strings.Contains(f.Message, test.says) {
					return
				}
			}
			t.Errorf("%q is not among %+v", test.says, r.Findings)
		})
	}
}

// TestCutItems gives sequences to a model that looks at their first steps only.
func TestCutItems(t *testing.T) {
	c := &checker{Report: &Report{Model: model.Description{Kind: model.Packets}}, ctx: context.Background()}
	c.m = &faulty{score: func(_, i int, l []model.Item) (sum float64) {
		for _, s := range l[i].Steps[:min(12, len(l[i].Steps))] {
			sum += float64(s[0])
		}
		return sum
	}}
	for i := range 30 {
		steps := make([][]float32, 20+i)
		for k := range steps {
			steps[k] = []float32{float32(i + k)}
		}
		c.items = append(c.items, model.Item{ID: strconv.Itoa(i), Steps: steps})
	}
	if err := c.score(); err != nil {
		t.Fatal(err)
	}
	if err := c.spread(); err != nil {
		t.Fatal(err)
	}
	if err := c.cut(); err != nil || len(c.Findings) != 1 || !strings.Contains(c.Findings[0].Message, "the 20 longest items (30 to 49 steps) have the same scores without their last quarter") {
		t.Errorf("%v, %+v", err, c.Findings)
	}
}

func TestAUC(t *testing.T) {
	// Of 3 x 2 pairs the attack is higher in 4 and equal in 1.
	area, se := auc([]float64{1, 2, 3, 2, 4}, []bool{false, false, false, true, true})
	if math.Abs(area-4.5/6) > 1e-12 || se <= 0 || se > 0.5 {
		t.Errorf("AUC %v, error %v", area, se)
	}
}

// TestPublishedAutoencoder checks a model that somebody published: its reconstruction error, which ought to be higher
// for attacks, is higher for benign flows.
func TestPublishedAutoencoder(t *testing.T) {
	if testing.Short() {
		t.Skip("asks PyTorch")
	}
	folder := oracle.Data(t, "nids-data/model-autoencoder")
	m, err := model.Open("cmd:unshare -rn /usr/bin/python3 ../../examples/models/pytorch_autoencoder.py '"+folder+"'", model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	d, err := items.Open(oracle.Data(t, "nids-data/cicids2017-grouped52/sample.csv"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), m, d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Faults() != 1 || len(r.Findings) != 1 || r.Findings[0].Check != "direction" || *r.AUC > 0.35 || len(r.Model.Columns) != 37 {
		t.Errorf("report %+v", r)
	}
}
