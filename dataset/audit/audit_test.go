package audit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/dataset/flowset"
)

// made reads a table that a test writes.
func made(t *testing.T, head string, rows ...string) *flowset.Set {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flows.csv")
	if err := os.WriteFile(path, []byte(head+"\n"+strings.Join(rows, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := flowset.Read(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// audited gives the report of a table: 100 benign flows and 100 attacks that differ in nothing, changed by the test.
func audited(t *testing.T, head string, row func(i int, random *rand.Rand) string) *Report {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var rows []string
	for i := range 200 {
		rows = append(rows, row(i, random))
	}
	r, err := Run(context.Background(), made(t, head, rows...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// labelled names the second hundred of flows attacks.
func labelled(i int) string {
	if i < 100 {
		return "BENIGN"
	}
	return "DoS"
}

func has(r *Report, check, about string) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Check == check && (f.Column == about || f.Class == about || f.Message == about)
	})
}

// TestFindings: each fault is found in a table that has it, and not in one that has not.
func TestFindings(t *testing.T) {
	// Attacks lie on the other side of zero, in any direction and at any distance.
	clean := func(i int, random *rand.Rand) string {
		side := 1.0
		if i >= 100 {
			side = -1
		}
		v := func() float64 { return side * (0.3 + 4*math.Abs(random.NormFloat64())*float64(random.IntN(2))) }
		return fmt.Sprintf("10.0.0.%d,80,%g,%g,%g,r%d,%s", random.IntN(50), v()+random.Float64()-0.5, v()+random.Float64()-0.5, v()+random.Float64()-0.5, i/10, labelled(i))
	}
	const head = "Src IP,Dst Port,a,b,c,Run,Label"
	base := audited(t, head, clean)
	tests := []struct {
		name, head   string
		row          func(i int, random *rand.Rand) string
		check, about string
	}{
		{"a constant column", "d," + head, func(i int, r *rand.Rand) string { return "7," + clean(i, r) }, "constant", "columns of one value: d"},
		{"an infinite value", "d," + head, func(i int, r *rand.Rand) string {
			if i == 5 {
				return "Infinity," + clean(i, r)
			}
			return fmt.Sprint(i, ",") + clean(i, r)
		}, "infinity", "d"},
		{"copies", head, func(i int, r *rand.Rand) string {
			if i >= 100 {
				return "10.0.0.1,80,1,2,3,r1,DoS"
			}
			return clean(i, r)
		}, "duplicates", "DoS"},
		{"two labels for one flow", head, func(i int, r *rand.Rand) string {
			if i == 0 || i == 150 {
				return "10.0.0.1,80,1,2,3,r1," + labelled(i)
			}
			return clean(i, r)
		}, "contradiction", "BENIGN and DoS"},
		{"a feature that tells all", "d," + head, func(i int, r *rand.Rand) string { return fmt.Sprint(i, ",") + clean(i, r) }, "single feature", "d"},
		{"labels by chance", head, func(i int, r *rand.Rand) string {
			return fmt.Sprintf("10.0.0.1,80,%g,%g,%g,r1,%s", r.Float64(), r.Float64(), r.Float64(), labelled(i))
		}, "label noise", "DoS"},
		{"an attack that repeats itself", head, func(i int, r *rand.Rand) string {
			if i >= 100 {
				return fmt.Sprintf("10.0.0.1,80,%g,5,5,r1,DoS", 5+r.Float64()/10)
			}
			return clean(i, r)
		}, "traffic collapse", "DoS"},
		{"DNS in an attack", head, func(i int, r *rand.Rand) string {
			return strings.Replace(clean(i, r), ",80,", map[bool]string{true: ",53,", false: ",80,"}[i%10 == 0], 1)
		}, "background in an attack", "DoS"},
		{"one attacker's address", head, func(i int, r *rand.Rand) string {
			if i >= 100 {
				return strings.Replace(clean(i, r), "10.0.0.", "10.9.9.", 1)
			}
			return clean(i, r)
		}, "leak", "source address"},
		{"a run in two splits", "Split," + head, func(i int, r *rand.Rand) string {
			return []string{"train", "test"}[i%2] + "," + clean(i, r)
		}, "split leakage", ""},
		{"retransmissions", "Protocol,Total Fwd Packets,Total Backward Packets,Fwd Retransmission," + head, func(i int, r *rand.Rand) string {
			return "6,10,10,2," + clean(i, r)
		}, "artificial diversity", "DoS"},
		{"a class of nine", head, func(i int, r *rand.Rand) string {
			if i < 9 {
				return strings.Replace(clean(i, r), "BENIGN", "XSS", 1)
			}
			return clean(i, r)
		}, "small class", "XSS"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if has(base, test.check, test.about) {
				t.Errorf("the clean table has it too: %+v", base.Findings)
			}
			if r := audited(t, test.head, test.row); !has(r, test.check, test.about) {
				t.Errorf("not found; found were %+v", r.Findings)
			}
		})
	}
}

// TestFaultsNameRuns: a finding names the runs that made it.
func TestFaultsNameRuns(t *testing.T) {
	r := audited(t, "Dst Port,a,b,Run,Label", func(i int, random *rand.Rand) string {
		port := 80
		if i == 120 || i == 130 || i == 131 {
			port = 53
		}
		return fmt.Sprintf("%d,%g,%g,run-%d,%s", port, random.Float64(), random.Float64(), i/10, labelled(i))
	})
	for _, f := range r.Findings {
		if f.Check == "background in an attack" {
			if !slices.Equal(f.Runs, []string{"run-12", "run-13"}) {
				t.Errorf("runs %v", f.Runs)
			}
			return
		}
	}
	t.Errorf("not found: %+v", r.Findings)
}

// TestSameSeedSameReport: samples come from the seed alone.
func TestSameSeedSameReport(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var rows []string
	for i := range 2000 {
		rows = append(rows, fmt.Sprintf("%g,%g,%s", random.NormFloat64(), random.NormFloat64(), labelled(i%200)))
	}
	set := made(t, "a,b,Label", rows...)
	var texts []string
	for range 2 {
		r, err := Run(context.Background(), set, Options{Seed: 5, Sample: 400})
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, fmt.Sprintf("%+v", r))
	}
	if texts[0] != texts[1] {
		t.Errorf("%s\n%s", texts[0], texts[1])
	}
}

// TestDiversityByHand: two clusters, at a right angle to each other; within one all flows are alike, within the other
// pairs have the cosines of 0 and 30 degrees.
func TestDiversityByHand(t *testing.T) {
	m := &matrix{columns: 2}
	var rows []int
	for i := range 100 {
		angle := 0.0
		if i >= 50 {
			angle = 90
		}
		m.values = append(m.values, float32(math.Cos(angle*math.Pi/180)), float32(math.Sin(angle*math.Pi/180)))
		rows = append(rows, i)
	}
	groups := clusters(m, rows, rand.New(rand.NewPCG(1, 1)))
	if len(groups) != 2 || len(groups[0]) != 50 {
		t.Fatalf("%d clusters, the first of %d", len(groups), len(groups[0]))
	}
	if c := cosine(m.row(groups[0][0]), m.row(groups[1][0])); math.Abs(c) > 1e-6 {
		t.Errorf("cosine of a right angle: %g", c)
	}
	if c := cosine([]float32{1, 0}, []float32{float32(math.Sqrt(3) / 2), 0.5}); math.Abs(c-math.Sqrt(3)/2) > 1e-6 {
		t.Errorf("cosine of 30 degrees: %g", c)
	}
}
