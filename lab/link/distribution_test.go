package link

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// moments gives mean and standard deviation of a table, in jitters.
func moments(table []int16) (mean, deviation float64) {
	for _, v := range table {
		mean += float64(v) / tableScale / float64(len(table))
	}
	for _, v := range table {
		deviation += math.Pow(float64(v)/tableScale-mean, 2) / float64(len(table))
	}
	return mean, math.Sqrt(deviation)
}

func mustTable(t *testing.T, name string) []int16 {
	t.Helper()
	table, err := distribution(name)
	if err != nil || len(table) != tableSize {
		t.Fatalf("%s: %d values, %v", name, len(table), err)
	}
	return table
}

// What the definitions say: a standard normal variable; and a Pareto variable of shape 3,
// moved to mean 0, stretched by 4/3 and cut where 16 bits end, at 4.5 before the stretching,
// which makes its mean (-1/(2*4.5^2))*4/3 and its second moment (3 - 2/4.5)*16/9.
func TestDistributionMoments(t *testing.T) {
	for name, want := range map[string]struct{ mean, deviation, median float64 }{
		"normal": {0, 1, 0},
		"pareto": {-0.0329, 0.8209, 4.0 / 3 * (math.Cbrt(2) - 1.5)},
	} {
		table := mustTable(t, name)
		mean, deviation := moments(table)
		if math.Abs(mean-want.mean) > 0.002 || math.Abs(deviation-want.deviation) > 0.003 {
			t.Errorf("%s: mean %.4f, standard deviation %.4f; want %v and %v", name, mean, deviation, want.mean, want.deviation)
		}
		if median := float64(table[tableSize/2]) / tableScale; math.Abs(median-want.median) > 0.001 {
			t.Errorf("%s: median %.4f, want %.4f", name, median, want.median)
		}
		for k := 1; k < tableSize; k++ {
			if table[k] < table[k-1] {
				t.Fatalf("%s: value %d is below the one before", name, k)
			}
		}
	}
}

func TestParetoNormalIsAMixtureOfQuantiles(t *testing.T) {
	normal, pareto := mustTable(t, "normal"), mustTable(t, "pareto")
	for k, v := range mustTable(t, "paretonormal") {
		want := 0.25*float64(normal[k]) + 0.75*float64(pareto[k])
		if k > 0 && math.Abs(float64(v)-want) > 1.5 { // the first normal value is cut off
			t.Fatalf("value %d is %d, want %v", k, v, want)
		}
	}
}

// The tables that iproute2 installs are the same but for rounding.
func TestDistributionTablesAgreeWithIproute2(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the package iproute2")
	}
	folder := ""
	for _, f := range []string{"/usr/lib/tc", "/usr/lib64/tc", "/usr/lib/x86_64-linux-gnu/tc", "/usr/share/tc"} {
		if _, err := os.Stat(filepath.Join(f, "normal.dist")); err == nil {
			folder = f
		}
	}
	if folder == "" {
		t.Fatal("no normal.dist: install the package iproute2")
	}
	for _, name := range []string{"normal", "pareto", "paretonormal"} {
		text, err := os.ReadFile(filepath.Join(folder, name+".dist"))
		if err != nil {
			t.Fatal(err)
		}
		var theirs []int
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			for word := range strings.FieldsSeq(line) {
				v, err := strconv.Atoi(word)
				if err != nil {
					t.Fatal(err)
				}
				theirs = append(theirs, v)
			}
		}
		ours, err := distribution(name)
		if err != nil || len(theirs) != len(ours) {
			t.Fatalf("%s: %d values, ours has %d, %v", name, len(theirs), len(ours), err)
		}
		for k, v := range ours {
			if d := int(v) - theirs[k]; d < -1 || d > 1 {
				t.Errorf("%s: value %d is %d, ours is %d", name, k, theirs[k], v)
			}
		}
	}
}
