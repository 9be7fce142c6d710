package mirror

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/dataset/flowset"
	"detgen/internal/oracle"
)

func made(t *testing.T, rows ...string) *flowset.Set {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flows.csv")
	text := "Dst Port,Protocol,Flow Duration,Total Fwd Packets,Total Backward Packets,Total Length of Fwd Packets,Total Length of Bwd Packets,Label\n" + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := flowset.Read(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMeasure: figures by hand.
func TestMeasure(t *testing.T) {
	p := Measure(made(t,
		"80,6,1000000,3,2,100,900,BENIGN",
		"80,6,3000000,5,4,200,1800,BENIGN",
		"8080,6,2000000,4,3,0,0,BENIGN",
		"53,17,1000,1,1,30,90,BENIGN",
		"80,6,9000000,9,9,9,9,DoS Hulk"))
	if p.Flows != 5 || p.Benign != 4 || len(p.Services) != 2 || len(p.Attacks) != 1 {
		t.Fatalf("%+v", p)
	}
	http := p.Services[0]
	if http.Service != "http" || http.Flows != 3 || http.Share != 0.75 || http.Ports[0] != (Count{"80", 2}) {
		t.Errorf("%+v", http)
	}
	if f := http.Packets; f.Mean != 7 || f.Min != 5 || f.Max != 9 || f.P50 != 7 || f.P25 != 6 {
		t.Errorf("packets: %+v", f)
	}
	if f := http.Bytes; f.Max != 2000 || f.Min != 0 || f.P50 != 1000 {
		t.Errorf("bytes: %+v", f)
	}
	if f := http.Duration; f.Mean != 2 {
		t.Errorf("seconds: %+v", f)
	}
	if a := p.Attacks[0]; a.Label != "DoS Hulk" || a.Share != 0.2 || a.Services[0] != (Count{"http", 1}) {
		t.Errorf("%+v", a)
	}
}

// rows draws flows to port 80 whose sizes have a scale.
func rows(random *rand.Rand, n int, scale float64) []string {
	var list []string
	for range n {
		size := scale * math.Exp(random.NormFloat64())
		list = append(list, fmt.Sprintf("80,6,%g,%d,%d,%g,%g,BENIGN", 1e5*math.Exp(random.NormFloat64()), 4+random.IntN(5), 4+random.IntN(5), 100+10*random.Float64(), size))
	}
	return list
}

// TestCompare: two samples of one law are alike, a hundred times the size is not.
func TestCompare(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	a, b, other := made(t, rows(random, 400, 1000)...), made(t, rows(random, 400, 1000)...), made(t, rows(random, 400, 100_000)...)
	same := Compare(a, b, 300, 1).Services[0]
	if same.TwoSample.P < 0.01 || same.Features[0].KS > 0.15 {
		t.Errorf("one law: %+v, largest %+v", same.TwoSample, same.Features[0])
	}
	far := Compare(a, other, 300, 1).Services[0]
	if far.TwoSample.P > 1e-6 || far.Features[0].Column != "Total Length of Bwd Packets" || far.Features[0].KS < 0.9 {
		t.Errorf("two laws: %+v, largest %+v", far.TwoSample, far.Features[0])
	}
	if math.Abs(far.Features[0].Wasserstein-2) > 0.15 {
		t.Errorf("a hundred times the size is %g decades", far.Features[0].Wasserstein)
	}
	if far.OutOfRange < 0.5 {
		t.Errorf("out of the target's range: %g", far.OutOfRange)
	}
}

const script = `
import json, sys
import numpy as np
from scipy.stats import ks_2samp, wasserstein_distance
from scipy.spatial.distance import jensenshannon
q = json.load(sys.stdin)
a, b = np.array(q["a"]), np.array(q["b"])
log = lambda x: np.sign(x) * np.log10(1 + np.abs(x))
every = np.sort(np.concatenate([a, b]))
edges = np.unique([every[max(k * len(every) // 20 - 1, 0)] for k in range(1, 21)])
share = lambda v: np.bincount(np.searchsorted(edges, v, "left"), minlength=len(edges)) / len(v)
json.dump([ks_2samp(a, b).statistic, wasserstein_distance(log(a), log(b)), jensenshannon(share(a), share(b), 2)], sys.stdout)
`

// TestDistancesAgainstSciPy compares the distances with SciPy's, with and without ties.
func TestDistancesAgainstSciPy(t *testing.T) {
	if testing.Short() {
		t.Skip("asks SciPy")
	}
	random := rand.New(rand.NewPCG(5, 5))
	for _, ties := range []bool{false, true} {
		var q struct {
			A []float64 `json:"a"`
			B []float64 `json:"b"`
		}
		for i := range 500 {
			x, y := random.NormFloat64()*100, random.NormFloat64()*150+20
			if ties {
				x, y = math.Round(x/50)*50, math.Round(y/50)*50
			}
			q.A = append(q.A, x)
			if i < 300 {
				q.B = append(q.B, y)
			}
		}
		var want [3]float64
		oracle.Python(t, script, q, &want)
		d := Distance(q.A, q.B)
		for i, got := range [3]float64{d.KS, d.Wasserstein, d.JS} {
			if math.Abs(got-want[i]) > 1e-9 {
				t.Errorf("ties %v, distance %d: %g, SciPy %g", ties, i, got, want[i])
			}
		}
	}
}
