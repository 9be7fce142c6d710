package model

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestScoresFile(t *testing.T) {
	tests := []struct {
		name, text string
		want       []Score
		wrong      string // in the error
	}{
		{"scores", "id,score\na/1,0.5\na/2,-1\n", []Score{{ID: "a/1", Score: 0.5}, {ID: "a/2", Score: -1}}, ""},
		{"other order and columns", "score,label,id\n0.5,x,a/1\n2,y,a/2\n", []Score{{ID: "a/1", Score: 0.5}, {ID: "a/2", Score: 2}}, ""},
		{"steps", "id,step,score\na/1,2,0.7\na/1,1,0.1\na/2,1,0.3\n", []Score{{ID: "a/1", Score: 0.7, Steps: []float64{0.1, 0.7}}, {ID: "a/2", Score: 0.3, Steps: []float64{0.3}}}, ""},
		{"no number", "id,score\na/1,much\n", nil, `scores.csv:2: item a/1: score "much"`},
		{"NaN", "id,score\na/1,NaN\n", nil, "want a finite number"},
		{"twice", "id,score\na/1,1\na/1,2\n", nil, "scores.csv:3: item a/1 has a score already"},
		{"step missing", "id,step,score\na/1,2,1\n", nil, "item a/1: step 1 of 2 has no score"},
		{"step of 0", "id,step,score\na/1,0,1\n", nil, `step "0"`},
		{"huge step", "id,step,score\na/1,99999999999,1\n", nil, "want a number from 1 to"},
		{"names", "connection,probability\na/1,1\n", nil, `its columns are connection,probability: want "id,score"`},
		{"empty", "", nil, "it is empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := Open(written(t, "scores.csv", test.text), Options{})
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Fatalf("error %v, want %q in it", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			items := []Item{{ID: "a/1"}, {ID: "a/2"}}
			got, err := m.Score(context.Background(), items)
			if err != nil {
				t.Fatal(err)
			}
			if err := Check(m.Describe(), items, got); err != nil {
				t.Error(err)
			}
			for i, w := range test.want {
				if g := got[i]; g.ID != w.ID || g.Score != w.Score || len(g.Steps) != len(w.Steps) || len(g.Steps) > 0 && g.Steps[0] != w.Steps[0] {
					t.Errorf("score %d: %+v, want %+v", i, g, w)
				}
			}
			some, err := m.Score(context.Background(), []Item{{ID: "a/1"}, {ID: "b/1"}, {ID: "a/2"}})
			if len(some) != 1 || err == nil || !strings.Contains(err.Error(), "item b/1") {
				t.Errorf("an item without a score: %v, %v", some, err)
			}
		})
	}
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	for spec, wrong := range map[string]string{
		"":                  "no model is named",
		"nowhere.csv":       "no such file",
		"nowhere.pkl":       "there is no such file",
		t.TempDir():         "its name tells no kind",
		t.TempDir() + "/..": "its name tells no kind",
	} {
		if _, err := Open(spec, Options{}); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("Open(%q): %v, want %q", spec, err, wrong)
		}
	}
}

// prefixSum is a model without step scores: the sum of the first column.
type prefixSum struct{ calls int }

func (*prefixSum) Describe() Description { return Description{Name: "sum", Kind: Packets, MaxSteps: 3} }
func (*prefixSum) Close() error          { return nil }
func (m *prefixSum) Score(_ context.Context, items []Item) ([]Score, error) {
	m.calls++
	out := make([]Score, len(items))
	for i, item := range items {
		out[i].ID = item.ID
		for _, s := range item.Steps {
			out[i].Score += float64(s[0])
		}
	}
	return out, nil
}

func TestPrefixesAreScoredWithoutStepScores(t *testing.T) {
	items := []Item{{ID: "a", Steps: [][]float32{{1}, {2}, {4}, {8}}}, {ID: "b"}}
	got, err := Steps(context.Background(), &prefixSum{}, items)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Score != 7 || len(got[0].Steps) != 3 || got[0].Steps[0] != 1 || got[0].Steps[1] != 3 || got[0].Steps[2] != 7 || got[0].ID != "a" || got[1].Steps != nil {
		t.Errorf("got %+v", got)
	}
}
