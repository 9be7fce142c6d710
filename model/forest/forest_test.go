package forest

import (
	"math"
	"math/rand/v2"
	"testing"

	"detgen/internal/oracle"
)

// drawn makes rows in which an attack has two columns of one sign.
func drawn(random *rand.Rand, count int) (rows [][]float64, attack []bool) {
	for range count {
		row := make([]float64, 6)
		for k := range row {
			row[k] = random.NormFloat64()
		}
		attack = append(attack, row[0]*row[1] > 0 != (random.Float64() < 0.05))
		rows = append(rows, row)
	}
	return rows, attack
}

func right(f Forest, rows [][]float64, attack []bool) float64 {
	n := 0
	for i := range rows {
		if (f.Probability(rows[i]) > 0.5) == attack[i] {
			n++
		}
	}
	return float64(n) / float64(len(rows))
}

func TestForestLearns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rows, attack := drawn(random, 600)
	f := Train(rows, attack, Options{Trees: 60}, rand.New(rand.NewPCG(3, 4)))
	if err := f.Validate(6); err != nil {
		t.Fatal(err)
	}
	test, wanted := drawn(random, 500)
	if share := right(f, test, wanted); share < 0.85 {
		t.Errorf("%.3f right", share)
	}
	again := Train(rows, attack, Options{Trees: 60}, rand.New(rand.NewPCG(3, 4)))
	if f.Probability(test[0]) != again.Probability(test[0]) || len(f[7]) != len(again[7]) {
		t.Error("the same seed gave another forest")
	}
}

func TestWhatIsNoNumberGoesRight(t *testing.T) {
	var rows [][]float64
	var attack []bool
	for i := range 40 {
		x := float64(i)
		if i%4 == 0 {
			x = math.NaN()
		}
		rows, attack = append(rows, []float64{x}), append(attack, i%4 == 0)
	}
	f := Train(rows, attack, Options{Trees: 15}, rand.New(rand.NewPCG(5, 6)))
	if f.Probability([]float64{math.NaN()}) < 0.9 || f.Probability([]float64{21}) > 0.1 {
		t.Errorf("no number %v, a number %v", f.Probability([]float64{math.NaN()}), f.Probability([]float64{21}))
	}
}

func TestTreesThatMakeNoSense(t *testing.T) {
	for name, f := range map[string]Forest{
		"none":   {},
		"loop":   {{{Left: 0}, {Left: 1, Right: 1}}},
		"beyond": {{{Left: 1, Right: 2}, {}}},
		"column": {{{Column: 3, Left: 1, Right: 2}, {}, {}}},
		"share":  {{{Share: 2}}},
	} {
		if f.Validate(3) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// script asks scikit-learn for the share that its forest gets right on the same rows.
const script = `
import json, sys
from sklearn.ensemble import RandomForestClassifier
q = json.load(sys.stdin)
m = RandomForestClassifier(60, random_state=1).fit(q["rows"], q["attack"])
print(m.score(q["test"], q["wanted"]))
`

func TestAgainstScikitLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("asks scikit-learn")
	}
	random := rand.New(rand.NewPCG(7, 8))
	rows, attack := drawn(random, 800)
	test, wanted := drawn(random, 3000)
	var want float64
	oracle.Python(t, script, map[string]any{"rows": rows, "attack": attack, "test": test, "wanted": wanted}, &want)
	if got := right(Train(rows, attack, Options{Trees: 60}, random), test, wanted); math.Abs(got-want) > 0.025 {
		t.Errorf("%.4f right, scikit-learn %.4f", got, want)
	}
}
