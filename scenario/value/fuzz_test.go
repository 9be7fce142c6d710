package value

import (
	"math"
	"testing"

	"detgen/seed"
)

// FuzzParse reads any text as a value of each type: what is read stays within the type's limits,
// and what is written of it is read as the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"10kB", "1.5MB", "4KiB", "0", "40ms", "1m30s", "2min", "-5s", "10mbit", "33.3%", "1e3", "true", "one\nline", "exp(100ms)",
		"1e-2000000B", "1e300s", "9999999999h", "NaN", "-Inf%", "0x1p-2B", ".5s", "5.kB", "1e308gbit", "99999999999999999999",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range Types {
			v, err := Parse(typ, text)
			if err != nil {
				continue
			}
			if typ.Numeric() && !(math.Abs(v.Number()) <= limits[typ].most) {
				t.Errorf("%s %q is %g, above the type's limit", typ, text, v.Number())
			}
			if _, err := Parse(typ, v.String()); err != nil && v.Number() >= 0 {
				t.Errorf("%s %q, written %q: %v", typ, text, v.String(), err)
			}
			_ = v.ForTemplate()
			_ = v.Duration()
		}
	})
}

// FuzzLaw reads any text as a law of each type and draws from it: never a value outside the bounds.
func FuzzLaw(f *testing.F) {
	for _, text := range []string{
		"constant(10kB)", "uniform(5ms, 50ms)", "normal(100ms, 10ms)", "exp(2)+1", "halfcauchy(5kB, max=1MB)+2B", "pareto(1s, 1.5)",
		"lognormal(20kB, 1.2)", "weibull(60ms, 1.5)", "choice(http:3, https:1)", "letters(exp(10)+2)", "words(uniform(3, 8))", "name()",
		"choice(a:NaN, b:1)", "choice(a:Inf)", "letters(-5)", "words(choice(-1, 5))", "pareto(1, 1e-300)", "normal(0, 1e308)",
		"lognormal(1, 1e300)", "uniform(-9007199254740991, 9007199254740991)", "hex(1000000000)", "weibull(1, 1e-9)", "exp(1e-9)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range Types {
			law, err := ParseLaw(typ, text)
			if err != nil {
				continue
			}
			r := seed.Stream(1, text)
			for range 3 {
				v, err := law.Draw(r, 0, 1000)
				if err == nil && typ.Numeric() && !(v.Number() >= 0 && v.Number() <= 1000) {
					t.Errorf("%s %q gives %s, outside 0 to 1000", typ, text, v.Plain())
				}
				if v, err = law.Draw(r, math.Inf(-1), math.Inf(1)); err == nil && typ.Numeric() && !(math.Abs(v.Number()) <= limits[typ].most) {
					t.Errorf("%s %q gives %s, above the type's limit", typ, text, v.Plain())
				}
			}
		}
	})
}
