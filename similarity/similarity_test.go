package similarity

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"
)

// variants are options under which the properties must hold.
func variants() map[string]Options {
	all := map[string]Options{}
	for name, change := range map[string]func(*Options){
		"default":    func(*Options) {},
		"log-minmax": func(o *Options) { o.Scale = LogMinMax },
		"raw":        func(o *Options) { o.Scale = Raw },
		"order":      func(o *Options) { o.Pairing = InOrder },
		"group":      func(o *Options) { o.Fit = Group },
		"window":     func(o *Options) { o.Window = time.Second },
		"5 packets":  func(o *Options) { o.Packets = 5 },
	} {
		o := NewOptions()
		change(&o)
		all[name] = o
	}
	return all
}

// samplesOf makes n samples of each kind.
func samplesOf(t *testing.T, n int, o Options) (list []*Sample) {
	for kind := range kinds {
		for i := range n {
			list = append(list, sample(t, kind, uint64(i), usual, o))
		}
	}
	slices.SortStableFunc(list, func(a, b *Sample) int { return int(a.Name[0]) - int(b.Name[0]) })
	return list
}

// TestProperties: every measure is 0 for equal samples, the same in both directions, and in [0, 1].
func TestProperties(t *testing.T) {
	for name, o := range variants() {
		t.Run(name, func(t *testing.T) {
			all := samplesOf(t, 4, o)
			r := NewReference(all, o)
			for _, a := range all {
				for _, b := range all {
					ab, ba := r.Compare(a, b), r.Compare(b, a)
					for _, m := range Metrics {
						x, y := m.Of(&ab), m.Of(&ba)
						if a == b && x != 0 {
							t.Errorf("%s of %s with itself is %g, want 0", m.Name, a.Name, x)
						}
						if math.Abs(x-y) > 1e-12 {
							t.Errorf("%s of %s and %s is %g, the other way round %g", m.Name, a.Name, b.Name, x, y)
						}
						if !(x >= 0 && x <= 1) {
							t.Errorf("%s of %s and %s is %g, not in [0, 1]", m.Name, a.Name, b.Name, x)
						}
					}
					if a == b && !(ab.KSPass && ab.Size.P == 1 && ab.Gap.P == 1) {
						t.Errorf("Kolmogorov-Smirnov tells %s from itself: %+v", a.Name, ab)
					}
				}
			}
		})
	}
}

// TestInvariance: nothing depends on addresses, on the time of day, on ports that are drawn.
func TestInvariance(t *testing.T) {
	other := endpoints{client: 77, server: 5, port: 51234, service: 80, epoch: 1_700_000_123_456_789_000}
	swapped := other // the server's address is the lower one
	swapped.client, swapped.server = 9, 8
	for name, o := range variants() {
		t.Run(name, func(t *testing.T) {
			all := samplesOf(t, 2, o)
			r := NewReference(all, o)
			for kind := range kinds {
				a := sample(t, kind, 0, usual, o)
				for _, e := range []endpoints{other, swapped} {
					b := sample(t, kind, 0, e, o)
					s := r.Compare(a, b)
					for _, m := range Metrics {
						if x := m.Of(&s); x != 0 {
							t.Errorf("%s of %s with other addresses, ports and times is %g, want 0", m.Name, kind, x)
						}
					}
				}
			}
		})
	}
}

// TestWindows: the connections of one host in one span of time are one window, and its numbers are theirs.
func TestWindows(t *testing.T) {
	o := NewOptions()
	s := sample(t, "poll", 0, usual, o)
	if s.Packets[0].Time != 0 || s.Packets[0].Gap != 0 || !s.Packets[0].Up || s.Packets[1].Up {
		t.Errorf("first packets: %+v, %+v", s.Packets[0], s.Packets[1])
	}
	if len(s.windows) != 1 {
		t.Fatalf("%d windows of the whole sample, want 1", len(s.windows))
	}
	n, bytes := float64(len(s.Connections)), 0.0
	for _, c := range s.Connections {
		bytes += float64(c.Bytes)
	}
	v := s.windows[0].vector
	if v[0] != n || v[4] != bytes/n || v[7] != 1 || v[8] != 1 || v[9] != n || v[10] != 1 || v[3] > v[1] || v[1] > v[2] {
		t.Errorf("numbers of the window: %v; there are %g connections of %g bytes in all, to one address and port", v, n, bytes)
	}
	o.Window = time.Second // polls are more than 2 s apart
	if s := sample(t, "poll", 0, usual, o); len(s.windows) != len(s.Connections) {
		t.Errorf("%d windows of a second, want %d", len(s.windows), len(s.Connections))
	}
}

// TestServicePort: connections to different system ports are not each other's counterparts, those to drawn ports are.
func TestServicePort(t *testing.T) {
	o := NewOptions()
	at := func(port uint16) *Sample {
		e := usual
		e.service = port
		return sample(t, "download", 0, e, o)
	}
	r := NewReference(samplesOf(t, 2, o), o)
	if d := r.Compare(at(80), at(443)).Connection; d != 1 {
		t.Errorf("ports 80 and 443: distance %g, want 1", d)
	}
	if d := r.Compare(at(21100), at(21109)).Connection; d != 0 {
		t.Errorf("ports 21100 and 21109: distance %g, want 0", d)
	}
}

// groupAUC says how well a metric tells pairs within a group from those between groups.
func groupAUC(m Metric, r *Reference, groups [][]*Sample) float64 {
	var within, between []float64
	for i, g := range groups {
		for j, a := range g {
			for _, b := range g[j+1:] {
				s := r.Compare(a, b)
				within = append(within, m.Of(&s))
			}
			for _, other := range groups[i+1:] {
				for _, b := range other {
					s := r.Compare(a, b)
					between = append(between, m.Of(&s))
				}
			}
		}
	}
	auc, ok := AUC(within, between)
	if !ok {
		return math.NaN()
	}
	return auc
}

// TestTellsKindsApart: samples of one kind of traffic are closer to each other than to those of others.
func TestTellsKindsApart(t *testing.T) {
	o := NewOptions()
	var groups [][]*Sample
	var all []*Sample
	for kind := range kinds {
		var g []*Sample
		for i := range 8 {
			g = append(g, sample(t, kind, uint64(i), usual, o))
		}
		groups, all = append(groups, g), append(all, g...)
	}
	r := NewReference(all, o)
	for _, m := range Metrics {
		if auc := groupAUC(m, r, groups); !(auc >= 0.9) {
			t.Errorf("%s: area under the ROC curve %.3f, want 0.9 or more", m.Name, auc)
		}
	}
}

// TestOneMorePacket: a packet more is seen by every measure that looks at packets.
func TestOneMorePacket(t *testing.T) {
	o := NewOptions()
	a := sample(t, "shell", 0, usual, o)
	made := &traffic{endpoints: usual}
	kinds["shell"](made, rand.New(rand.NewPCG(0, 0)))
	extra := made.frames[5]
	extra.Time++
	made.frames = slices.Insert(made.frames, 6, extra)
	b, err := newSample(made, -1<<63, o)
	if err != nil {
		t.Fatal(err)
	}
	s := NewReference(append(samplesOf(t, 2, o), a, b), o).Compare(a, b)
	if want := 1 / float64(len(b.Packets)); s.Edit != want {
		t.Errorf("edit distance %g, want %g", s.Edit, want)
	}
	for _, m := range Metrics[:PaperMetrics] {
		if m.Of(&s) == 0 {
			t.Errorf("%s does not see a repeated packet", m.Name)
		}
	}
}

// TestEdits compares with the textbook's full table.
func TestEdits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		a, b := make([]symbol, r.IntN(40)), make([]symbol, r.IntN(40))
		for _, list := range [][]symbol{a, b} {
			for i := range list {
				list[i] = symbol(r.IntN(3))
			}
		}
		table := make([][]int, len(a)+1)
		for i := range table {
			table[i] = make([]int, len(b)+1)
			for j := range table[i] {
				switch {
				case i == 0 || j == 0:
					table[i][j] = i + j
				case a[i-1] == b[j-1]:
					table[i][j] = table[i-1][j-1]
				default:
					table[i][j] = 1 + min(table[i-1][j-1], table[i-1][j], table[i][j-1])
				}
			}
		}
		if got, want := edits(a, b), table[len(a)][len(b)]; got != want {
			t.Fatalf("edits of %v and %v: %d, want %d", a, b, got, want)
		}
	}
}

// TestAlign: one connection more costs 1, wherever it is.
func TestAlign(t *testing.T) {
	list := [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 0}, {0, 1, 1}}
	for i := range list {
		more := slices.Insert(slices.Clone(list), i, []float64{1, 1, 1})
		if got := align(list, more); math.Abs(got-1) > 1e-12 {
			t.Errorf("one more at %d: %g, want 1", i, got)
		}
		if got := align(more, list); math.Abs(got-1) > 1e-12 {
			t.Errorf("one less at %d: %g, want 1", i, got)
		}
	}
	if got := align(nil, list); got != 5 {
		t.Errorf("nothing and 5: %g, want 5", got)
	}
	if got := align(list, list); got != 0 {
		t.Errorf("the same: %g, want 0", got)
	}
	if got := align(list[:1], list[1:2]); got != 1 {
		t.Errorf("orthogonal: %g, want 1", got)
	}
}

// TestCosine checks against arithmetic.
func TestCosine(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{0, 0}, []float64{0, 0}, 0},
		{[]float64{1, 0}, []float64{0, 0}, 1},
		{[]float64{1, 0}, []float64{0, 1}, 1},
		{[]float64{1, 0}, []float64{1, 1}, 1 - 1/math.Sqrt2},
		{[]float64{1e9, 1}, []float64{1e9, 1}, 0},
		{[]float64{1e200, 1e200}, []float64{1e200, 0}, 1 - 1/math.Sqrt2},
	} {
		if got := cosine(c.a, c.b); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("cosine(%v, %v) = %g, want %g", c.a, c.b, got, c.want)
		}
	}
}

// TestScaler: absent and impossible numbers are 0; what is constant is left out.
func TestScaler(t *testing.T) {
	s := newScaler(MinMax, [][]float64{{2, 7, math.Inf(1), -1}, {4, 7, 3, 1}})
	if got, want := s.apply([]float64{3, 7, math.NaN(), 1}), []float64{0.5, 0, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("scaled: %v, want %v", got, want)
	}
}

// TestKolmogorov checks p-values against the tables of Kolmogorov's distribution (Smirnov 1948).
func TestKolmogorov(t *testing.T) {
	for x, want := range map[float64]float64{0.5: 0.9639, 0.8276: 0.5, 1.2238: 0.1, 1.3581: 0.05, 1.6276: 0.01, 1.9495: 0.001} {
		if got := kolmogorov(x); math.Abs(got-want) > 1e-4 {
			t.Errorf("kolmogorov(%g) = %.5f, want %.4f", x, got, want)
		}
	}
}

// TestLargestGap compares with gonum's.
func TestLargestGap(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		a, b := make(sorted, 1+r.IntN(30)), make(sorted, 1+r.IntN(30))
		for _, s := range []sorted{a, b} {
			for i := range s {
				s[i] = float64(r.IntN(10))
			}
			slices.Sort(s)
		}
		if got, want := largestGap(a, b), stat.KolmogorovSmirnov(a, nil, b, nil); math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v and %v: %g, want %g", a, b, got, want)
		}
	}
	if d := largestGap(sorted{1, 2}, sorted{1, 1, 1, 2, 2, 2}); d != 0 {
		t.Errorf("%g, want 0", d)
	}
}

// TestKSLevel: of pairs from one distribution about 1 % fail at 0.01, of those from different ones nearly all.
func TestKSLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	draw := func(shift float64) (s sorted) {
		for range 100 {
			s = append(s, r.NormFloat64()+shift)
		}
		slices.Sort(s)
		return s
	}
	same, different := 0, 0
	const pairs = 2000
	for range pairs {
		if test(draw(0), draw(0)).P < 0.01 {
			same++
		}
		if test(draw(0), draw(1)).P < 0.01 {
			different++
		}
	}
	if share := float64(same) / pairs; share < 0.003 || share > 0.017 {
		t.Errorf("%.4f of the pairs of one distribution fail at 0.01", share)
	}
	if share := float64(different) / pairs; share < 0.99 {
		t.Errorf("only %.4f of the pairs of different distributions fail", share)
	}
}

// TestAUC checks against counting.
func TestAUC(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var low, high []float64
	for range 50 {
		low, high = append(low, float64(r.IntN(10))), append(high, float64(r.IntN(14)))
	}
	want := 0.0
	for _, x := range low {
		for _, y := range high {
			if y > x {
				want++
			} else if y == x {
				want += 0.5
			}
		}
	}
	if got, _ := AUC(low, high); math.Abs(got-want/2500) > 1e-12 {
		t.Errorf("AUC %g, want %g", got, want/2500)
	}
	if _, ok := AUC(nil, high); ok {
		t.Error("AUC of nothing exists")
	}
}

// TestSummarize checks against counting.
func TestSummarize(t *testing.T) {
	s := Summarize([]float64{4, 1, 3, 2, 5})
	want := Summary{N: 5, Mean: 3, Min: 1, Q1: 2, Median: 3, Q3: 4, Max: 5}
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

// TestOptions: what makes no sense is refused in words.
func TestOptions(t *testing.T) {
	for i, change := range []func(*Options){
		func(o *Options) { o.Window = -1 },
		func(o *Options) { o.Packets = 1 },
		func(o *Options) { o.Smoothing = 0 },
		func(o *Options) { o.KSLevel = 1 },
		func(o *Options) { o.Flow.ActivityTimeout = 0 },
	} {
		o := NewOptions()
		change(&o)
		if o.Validate() == nil {
			t.Errorf("change %d is accepted", i)
		}
	}
	if err := NewOptions().Validate(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{MinMax.String(), LogMinMax.String(), Raw.String()} {
		if s, err := ParseScale(name); err != nil || fmt.Sprint(s) != name {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	if _, err := ParseFit("nothing"); err == nil {
		t.Error("fit nothing is accepted")
	}
}
