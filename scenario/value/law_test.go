package value

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"detgen/seed"
)

// drawMany draws n values of a law, sorted.
func drawMany(t *testing.T, typ Type, text string, n int, lo, hi float64) []float64 {
	t.Helper()
	law, err := ParseLaw(typ, text)
	if err != nil {
		t.Fatal(err)
	}
	r := seed.Stream(1, text)
	values := make([]float64, n)
	for i := range values {
		v, err := law.Draw(r, lo, hi)
		if err != nil {
			t.Fatal(err)
		}
		values[i] = v.Number()
	}
	slices.Sort(values)
	return values
}

var unbounded = math.Inf(1)

// The quantiles are computed by hand from each law's definition; those of exp and halfcauchy
// are also the original tool's published ones (median and 95 % of its draws).
func TestLawsHaveTheirQuantiles(t *testing.T) {
	for _, c := range []struct {
		typ       Type
		law       string
		quantiles map[float64]float64
	}{
		{Time, "exp(100ms)", map[float64]float64{0.5: 0.0693, 0.95: 0.2996}},
		{Bytes, "halfcauchy(5kB)", map[float64]float64{0.5: 5000, 0.95: 63531, 0.99: 318300}},
		{Float, "normal(10, 2)", map[float64]float64{0.1587: 8, 0.5: 10, 0.8413: 12}},
		{Float, "pareto(2, 3)", map[float64]float64{0.5: 2.5198, 0.9: 4.3089}},
		{Float, "lognormal(8, 0.5)", map[float64]float64{0.5: 8, 0.8413: 13.19}},
		{Float, "weibull(60, 1.5)", map[float64]float64{0.5: 46.99, 0.9: 104.6}},
		{Float, "uniform(2, 6)", map[float64]float64{0.25: 3, 0.75: 5}},
	} {
		t.Run(c.law, func(t *testing.T) {
			const n = 40000
			values := drawMany(t, c.typ, c.law, n, -unbounded, unbounded)
			for p, want := range c.quantiles {
				// The share of values below the quantile must be p, within 5 standard errors.
				below, _ := slices.BinarySearch(values, want)
				share, tolerance := float64(below)/n, 5*math.Sqrt(p*(1-p)/n)
				if math.Abs(share-p) > tolerance {
					t.Errorf("%.4f of the values are below %g, want %.4f ± %.4f", share, want, p, tolerance)
				}
			}
		})
	}
}

func TestTruncatedLawsKeepTheirShapeWithinTheBounds(t *testing.T) {
	for _, law := range []string{"exp(10, min=5, max=20)", "normal(10, 10, min=5, max=20)", "halfcauchy(10, min=5, max=20)", "pareto(1, 1, min=5, max=20)"} {
		values := drawMany(t, Float, law, 20000, -unbounded, unbounded)
		if values[0] < 5 || values[len(values)-1] > 20 {
			t.Errorf("%s: values from %g to %g", law, values[0], values[len(values)-1])
		}
		if values[0] > 5.1 || values[len(values)-1] < 19.5 {
			t.Errorf("%s: the bounds are never neared: %g to %g", law, values[0], values[len(values)-1])
		}
	}
	// An exponential law truncated to [5, 20] has its median where (e^-0.5 + e^-2)/2 = e^-x/10.
	values := drawMany(t, Float, "exp(10, min=5, max=20)", 40000, -unbounded, unbounded)
	if median, want := values[20000], -10*math.Log((math.Exp(-0.5)+math.Exp(-2))/2); math.Abs(median-want) > 0.15 {
		t.Errorf("median %g, want %g", median, want)
	}
}

func TestWholeNumbersReachBothBounds(t *testing.T) {
	for _, law := range []string{"uniform(1, 6)", "exp(3, min=1, max=6)", "uniform(0, 5)+1"} {
		counts := map[float64]int{}
		for _, v := range drawMany(t, Int, law, 6000, 1, 6) {
			counts[v]++
		}
		for n := 1.0; n <= 6; n++ {
			if counts[n] == 0 {
				t.Errorf("%s never gives %g", law, n)
			}
		}
		if len(counts) != 6 {
			t.Errorf("%s gives %v", law, counts)
		}
	}
}

// The original tool's user names: int(exponential of mean 10) + 2 letters. The mean of the
// rounded law is 1/(e^0.1 - 1).
func TestAddedConstant(t *testing.T) {
	values := drawMany(t, Int, "exp(10)+2", 40000, -unbounded, unbounded)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	if mean, want := sum/40000, 2+1/math.Expm1(0.1); values[0] != 2 || math.Abs(mean-want) > 0.25 {
		t.Errorf("smallest %g, mean %g; want 2 and %g", values[0], mean, want)
	}
}

func TestChoiceByWeight(t *testing.T) {
	law, err := ParseLaw(Choice, "choice(http:3, https:1, never:0)")
	if err != nil {
		t.Fatal(err)
	}
	r, counts := seed.Stream(1, "choice"), map[string]int{}
	for range 4000 {
		v, err := law.Draw(r, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		counts[v.Plain()]++
	}
	if counts["never"] != 0 || counts["https"] < 850 || counts["https"] > 1150 {
		t.Errorf("%v, want 3 to 1 and never none", counts)
	}
}

func TestTextLaws(t *testing.T) {
	for law, form := range map[string]string{
		"letters(8)":               `^[a-z]{8}$`,
		"alnum(uniform(4, 6))":     `^[a-zA-Z0-9]{4,6}$`,
		"hex(32)":                  `^[0-9a-f]{32}$`,
		"words(3)":                 `^[a-z]+ [a-z]+ [a-z]+$`,
		"name()":                   `^[a-z][a-z0-9]{2,15}$`,
		"constant(fixed)":          `^fixed$`,
		"choice(GET, POST)":        `^(GET|POST)$`,
		"letters(exp(2, max=5)+1)": `^[a-z]{1,6}$`,
	} {
		l, err := ParseLaw(String, law)
		if err != nil {
			t.Fatal(err)
		}
		r := seed.Stream(2, law)
		for range 200 {
			v, err := l.Draw(r, 0, 0)
			if err != nil || !regexp.MustCompile(form).MatchString(v.Plain()) {
				t.Fatalf("%s gives %q, %v; want %s", law, v.Plain(), err, form)
			}
		}
	}
}

func TestMalformedLaws(t *testing.T) {
	for law, want := range map[string]string{
		"exp":                   "must be a law like",
		"exp(1, 2)":             "takes 1 arguments, not 2",
		"exp(0)":                "mean must be above 0",
		"uniform(5, 1)":         "first end is above",
		"exp(1) - 2":            "only \"+ constant\"",
		"choice()":              "no values",
		"choice(1:0)":           "all weights are 0",
		"choice(1:-1)":          "below 0",
		"constant(x)":           "must be a number",
		"letters(5)":            "unknown law",
		"lognormal(1, -1)":      "above 0",
		"normal(1, 2, max=ten)": "\"ten\"",
	} {
		if _, err := ParseLaw(Float, law); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", law, err, want)
		}
	}
}

// The values of a law of numbers are within the bounds that it is drawn with, whatever the law.
func TestLawsKeepTheirBounds(t *testing.T) {
	for _, text := range []string{"constant(-5)", "choice(-1, -2)", "choice(2000, 3000)"} {
		law, err := ParseLaw(Int, text)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := law.Draw(seed.Stream(1, text), 0, 1000); err == nil {
			t.Errorf("%s gives %s, want an error", text, v)
		}
	}
	for _, text := range []string{"letters(-5)", "words(-1)", "hex(2000000)"} {
		law, err := ParseLaw(String, text)
		if err != nil {
			continue
		}
		if v, err := law.Draw(seed.Stream(1, text), math.Inf(-1), math.Inf(1)); err == nil {
			t.Errorf("%s gives a text of %d bytes, want an error", text, len(v.Plain()))
		}
	}
}

func TestWeightsAreFinite(t *testing.T) {
	for _, text := range []string{"choice(1:NaN, 2:1)", "choice(1:Inf, 2:1)", "choice(1:1e400)", "choice(1:1e300, 2:1e308)"} {
		if _, err := ParseLaw(Int, text); err == nil || !strings.Contains(err.Error(), "weight") {
			t.Errorf("%s: %v, want an error about the weight", text, err)
		}
	}
}
