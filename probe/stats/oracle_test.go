package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"detgen/internal/oracle"
)

// script asks SciPy and scikit-learn for the same figures.
const script = `
import json, sys
import numpy as np
from scipy import stats
from sklearn import metrics, isotonic, linear_model
from sklearn.calibration import calibration_curve
q = json.load(sys.stdin)
benign, attacks = np.array(q["benign"]), np.array(q["attacks"])
x, y, b = np.array(q["x"]), np.array(q["y"]), np.array(q["binary"])
d, dt = np.array(q["d"]), np.array(q["ties"])
label = np.r_[np.zeros(len(benign)), np.ones(len(attacks))]
score = np.r_[benign, attacks]
w = stats.wilcoxon(d, mode="exact"); wt = stats.wilcoxon(dt, correction=False, mode="approx")
logit = linear_model.LogisticRegression(penalty="none", tol=1e-12, max_iter=10000).fit(x.reshape(-1, 1), b)
ci = lambda k, n, m: list(stats.binomtest(k, n).proportion_ci(method=m))
# DeLong's variance from its definition: every pair, no ranks.
def kernel(a, n): return (a[:, None] > n[None, :]) + 0.5 * (a[:, None] == n[None, :])
psi = kernel(attacks, benign)
v10, v01 = psi.mean(1), psi.mean(0)
psi2 = kernel(np.array(q["attacks2"]), np.array(q["benign2"]))
w10, w01 = psi2.mean(1), psi2.mean(0)
walsh = [(d[i] + d[j]) / 2 for i in range(len(d)) for j in range(i, len(d))]
json.dump({
  "auc": metrics.roc_auc_score(label, score),
  "variance": v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01),
  "paired": (v10 - w10).var(ddof=1) / len(v10) + (v01 - w01).var(ddof=1) / len(v01),
  "wilson": ci(17, 263, "wilson"), "exact": ci(3, 211, "exact"), "none": ci(0, 500, "exact"),
  "pointbiserial": stats.pointbiserialr(b, y)[0], "pearson_p": stats.pearsonr(x, y)[1],
  "spearman": stats.spearmanr(x, dt_x := np.round(y, 1))[0],
  "wilcoxon": w.pvalue, "wilcoxon_ties": wt.pvalue, "shift": float(np.median(walsh)),
  "mcnemar": stats.binomtest(9, 30).pvalue,
  "isotonic": list(isotonic.IsotonicRegression().fit_transform(np.arange(len(q["trend"])), q["trend"], sample_weight=q["weights"])),
  "logit": [float(logit.intercept_[0]), float(logit.coef_[0, 0])],
  "brier": metrics.brier_score_loss(label, q["probability"]),
}, sys.stdout)
`

type question struct {
	Benign, Attacks, Benign2, Attacks2 []float64
	X, Y                               []float64
	Binary                             []bool
	D, Ties                            []float64
	Trend, Weights                     []float64
	Probability                        []float64
}

// MarshalJSON gives the names in small letters.
func (q question) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"benign": q.Benign, "attacks": q.Attacks, "benign2": q.Benign2, "attacks2": q.Attacks2, "x": q.X, "y": q.Y,
		"binary": q.Binary, "d": q.D, "ties": q.Ties, "trend": q.Trend, "weights": q.Weights, "probability": q.Probability})
}

func ask() question {
	random := rand.New(rand.NewPCG(1, 2))
	var q question
	round := func(x float64) float64 { return math.Round(x*10) / 10 } // so that there are ties
	for i := range 400 {
		common := random.NormFloat64()
		if i%4 == 0 {
			q.Attacks, q.Attacks2 = append(q.Attacks, round(1+common)), append(q.Attacks2, round(1.3+common+random.NormFloat64()/2))
		} else {
			q.Benign, q.Benign2 = append(q.Benign, round(common)), append(q.Benign2, round(common+random.NormFloat64()/2))
		}
		x := 3 + random.NormFloat64()
		q.X, q.Y = append(q.X, x), append(q.Y, x/3+random.NormFloat64())
		q.Binary = append(q.Binary, random.Float64() < logistic(1.5*(x-2.5)))
		q.Probability = append(q.Probability, random.Float64())
	}
	for i := range 30 {
		q.D = append(q.D, 0.3+random.NormFloat64())
		q.Trend, q.Weights = append(q.Trend, float64(i)/10+random.NormFloat64()), append(q.Weights, 1+random.Float64())
	}
	for range 80 {
		q.Ties = append(q.Ties, math.Round(0.4+2*random.NormFloat64()))
	}
	return q
}

// TestAgainstSciPy compares every figure that SciPy or scikit-learn has too; DeLong's variance, which they lack, with
// its definition over all pairs.
func TestAgainstSciPy(t *testing.T) {
	if testing.Short() {
		t.Skip("asks SciPy")
	}
	q := ask()
	var a struct {
		AUC, Variance, Paired   float64
		Wilson, Exact, None     [2]float64
		PointBiserial, Spearman float64
		PearsonP                float64 `json:"pearson_p"`
		Wilcoxon                float64
		WilcoxonTies            float64 `json:"wilcoxon_ties"`
		Shift, McNemar, Brier   float64
		Isotonic                []float64
		Logit                   [2]float64
	}
	oracle.Python(t, script, q, &a)
	same := func(what string, got, want, within float64) {
		t.Helper()
		if math.Abs(got-want) > within || math.IsNaN(got) {
			t.Errorf("%s: %.10g, the oracle says %.10g", what, got, want)
		}
	}
	area := AUC(q.Benign, q.Attacks)
	same("AUC", area.AUC, a.AUC, 1e-12)
	same("DeLong's variance", area.Variance, a.Variance, 1e-12)
	both := CompareAUC(q.Benign, q.Attacks, q.Benign2, q.Attacks2)
	same("paired DeLong", math.Pow((both.Interval.High-both.Interval.Low)/2/z95, 2), a.Paired, 1e-12)
	for _, p := range []struct {
		what string
		got  Interval
		want [2]float64
	}{{"Wilson", Wilson(17, 263), a.Wilson}, {"Clopper-Pearson", ClopperPearson(3, 211), a.Exact}, {"none of 500", ClopperPearson(0, 500), a.None}} {
		same(p.what, p.got.Low, p.want[0], 1e-8)
		same(p.what, p.got.High, p.want[1], 1e-8)
	}
	binary := make([]float64, len(q.Binary))
	rounded := make([]float64, len(q.Y))
	for i, b := range q.Binary {
		if b {
			binary[i] = 1
		}
		rounded[i] = math.RoundToEven(q.Y[i]*10) / 10
	}
	same("point-biserial", Pearson(binary, q.Y), a.PointBiserial, 1e-12)
	same("p of Pearson", PearsonP(Pearson(q.X, q.Y), len(q.X)), a.PearsonP, 1e-12)
	x, _ := Ranks(q.X)
	y, _ := Ranks(rounded)
	same("Spearman", Pearson(x, y), a.Spearman, 1e-12)
	_, p := SignedRank(q.D)
	same("Wilcoxon", p, a.Wilcoxon, 1e-12)
	_, p = SignedRank(q.Ties)
	same("Wilcoxon with ties", p, a.WilcoxonTies, 1e-9)
	shift, _ := HodgesLehmann(q.D)
	same("Hodges-Lehmann", shift, a.Shift, 1e-12)
	same("McNemar", McNemar(9, 21), a.McNemar, 1e-9)
	for i, v := range Isotonic(q.Trend, q.Weights) {
		same("isotonic", v, a.Isotonic[i], 1e-9)
	}
	fit, err := Logistic(q.X, q.Binary)
	if err != nil {
		t.Fatal(err)
	}
	same("logistic intercept", fit.Intercept, a.Logit[0], 1e-4)
	same("logistic slope", fit.Slope, a.Logit[1], 1e-4)
	attack := make([]bool, len(q.Benign)+len(q.Attacks))
	for i := range q.Attacks {
		attack[len(q.Benign)+i] = true
	}
	same("Brier", Calibrate(q.Probability, attack, 10).Brier, a.Brier, 1e-12)
}
