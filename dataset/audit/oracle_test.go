package audit

import (
	"math"
	"math/rand/v2"
	"testing"

	"detgen/internal/oracle"
)

// script asks scikit-learn for the F1 of a random forest on one feature (with the same folds) and for the elbow's
// clusters of points.
const script = `
import json, sys
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.cluster import KMeans
q = json.load(sys.stdin)
x, y = np.array(q["values"]).reshape(-1, 1), np.array(q["positive"])
fold = np.arange(len(y)) % 5
tp = fp = fn = 0
for f in range(5):
    m = RandomForestClassifier(25, random_state=1).fit(x[fold != f], y[fold != f])
    p = m.predict(x[fold == f])
    t = y[fold == f]
    tp += int((p & t).sum()); fp += int((p & ~t).sum()); fn += int((~p & t).sum())
points = np.array(q["points"])
inertia = [float(KMeans(k, n_init=5, random_state=1).fit(points).inertia_) for k in (1, 2, 3, 4)]
json.dump({"f1": 2 * tp / (2 * tp + fp + fn), "inertia": inertia}, sys.stdout)
`

// TestAgainstScikitLearn compares the forest on one feature and k-means with scikit-learn's.
func TestAgainstScikitLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("asks scikit-learn")
	}
	random := rand.New(rand.NewPCG(7, 8))
	var question struct {
		Values   []float64    `json:"values"`
		Positive []bool       `json:"positive"`
		Points   [][2]float64 `json:"points"`
	}
	var data []sample
	for i := range 1500 {
		s := sample{value: random.NormFloat64(), positive: i%3 == 0}
		if s.positive {
			s.value += 2
		}
		data = append(data, s)
	}
	random.Shuffle(len(data), func(i, j int) { data[i], data[j] = data[j], data[i] })
	m := &matrix{columns: 2}
	var rows []int
	for i, d := range data {
		question.Values, question.Positive = append(question.Values, d.value), append(question.Positive, d.positive)
		p := [2]float64{float64(i%3) + random.NormFloat64()/10, float64(i%2) + random.NormFloat64()/10}
		question.Points = append(question.Points, p)
		m.values = append(m.values, float32(p[0]), float32(p[1]))
		rows = append(rows, i)
	}
	var answer struct {
		F1      float64   `json:"f1"`
		Inertia []float64 `json:"inertia"`
	}
	oracle.Python(t, script, question, &answer)
	if f1 := separable(data, 5, random.IntN); math.Abs(f1-answer.F1) > 0.02 {
		t.Errorf("F1 %.4f, scikit-learn %.4f", f1, answer.F1)
	}
	for k, want := range answer.Inertia {
		best := math.Inf(1)
		for range 10 {
			_, sum := kMeans(m, rows, k+1, random)
			best = min(best, sum)
		}
		if best > want*1.02 || best < want*0.98 {
			t.Errorf("k-means with %d: sum %.3f, scikit-learn %.3f", k+1, best, want)
		}
	}
}
