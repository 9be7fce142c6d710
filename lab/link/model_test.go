package link

import (
	"math"
	"testing"
	"time"

	"detgen/record"
)

const testLength = 1000

func testModel(t testing.TB, l record.Link, seed uint64) *model {
	t.Helper()
	p, err := compile(l)
	if err != nil {
		t.Fatal(err)
	}
	return newModel(p, newStreams(seed, "link/h1/eth0/up"))
}

// run gives the model's decisions about n frames; copies are left out.
func (m *model) run(n int) []decision {
	list := make([]decision, n)
	for i := range list {
		list[i], _, _ = m.next(testLength)
	}
	return list
}

func losses(list []decision) []bool {
	lost := make([]bool, len(list))
	for i, d := range list {
		lost[i] = d.lost
	}
	return lost
}

func TestModelRates(t *testing.T) {
	for _, p := range []float64{0.001, 0.01, 0.1, 0.5} {
		l := record.Link{Delay: record.Duration(time.Millisecond), Loss: p, Corrupt: p, Duplicate: p, Reorder: p}
		m := testModel(t, l, 1)
		var lost, corrupted, copied, ahead, both, passed int
		octets := make([]int, 10)
		bits := make([]int, 8)
		for range frames {
			d, _, c := m.next(testLength)
			if d.lost {
				lost++
			} else {
				passed++
				if d.ahead {
					ahead++
				}
			}
			if c {
				copied++
			}
			if d.corrupt {
				corrupted++
				octets[d.octet*len(octets)/testLength]++
				bits[d.bit]++
			}
			if c && d.lost {
				both++
			}
		}
		// A frame both lost and duplicated goes through once.
		withinBinomial(t, "loss", lost, frames, p*(1-p))
		withinBinomial(t, "duplication", copied, frames, p*(1-p))
		withinBinomial(t, "corruption", corrupted, frames, p)
		withinBinomial(t, "reordering", ahead, passed, p)
		for _, n := range octets {
			withinBinomial(t, "a tenth of the octets", n, corrupted, 0.1)
		}
		for _, n := range bits {
			withinBinomial(t, "a bit of the octet", n, corrupted, 1.0/8)
		}
		if both > 0 {
			t.Errorf("%d frames lost and copied", both)
		}
	}
}

func TestModelCertainty(t *testing.T) {
	for name, l := range map[string]record.Link{
		"loss":       {Loss: 1},
		"corruption": {Corrupt: 1},
		"reordering": {Delay: 1, Reorder: 1},
	} {
		for _, d := range testModel(t, l, 1).run(1000) {
			if d.lost != (l.Loss == 1) || d.corrupt != (l.Corrupt == 1) || d.ahead != (l.Reorder == 1) {
				t.Fatalf("%s with probability 1: decided %+v", name, d)
			}
		}
	}
}

func TestModelGapOvertakesEveryNth(t *testing.T) {
	l := record.Link{Delay: record.Duration(time.Millisecond), Reorder: 1, ReorderGap: 5}
	for i, d := range testModel(t, l, 1).run(100) {
		if want := i%5 == 4; d.ahead != want {
			t.Fatalf("frame %d: overtakes: %v, want %v", i+1, d.ahead, want)
		}
	}
}

// The delays of each distribution are those of a frame drawn at random from the table.
func TestModelDelayDistributions(t *testing.T) {
	const delay, jitter = 50 * time.Millisecond, 7*time.Millisecond + 777
	for _, name := range []string{"uniform", "normal", "pareto", "paretonormal"} {
		l := record.Link{Delay: record.Duration(delay), Jitter: record.Duration(jitter), Distribution: name}
		sample := make([]float64, frames)
		for i, d := range testModel(t, l, 1).run(frames) {
			sample[i] = float64(d.delay)
		}
		table, err := distribution(name)
		if err != nil {
			t.Fatal(err)
		}
		var reference []float64
		for k := range tableSize {
			if table == nil {
				reference = append(reference, float64(delay)+float64(jitter)*(2*float64(k)/tableSize-1))
			} else {
				// rounded as the kernel does, so that ties are ties
				reference = append(reference, math.Round(float64(table[k])*float64(jitter%tableScale)/tableScale)+
					float64(jitter/tableScale)*float64(table[k])+float64(delay))
			}
		}
		// A step of the uniform reference is 1/tableSize.
		if d := kolmogorovSmirnov(sample, reference); d > criticalKS(frames)+1.0/tableSize {
			t.Errorf("%s: the distribution of delays differs from the table by %.5f, more than %.5f", name, d, criticalKS(frames))
		}
	}
}

func TestModelWithoutJitterDelaysEqually(t *testing.T) {
	l := record.Link{Delay: record.Duration(20 * time.Millisecond)}
	for _, d := range testModel(t, l, 1).run(10) {
		if d.delay != int64(20*time.Millisecond) {
			t.Fatalf("delay %v", time.Duration(d.delay))
		}
	}
}

// The correlated generator has a serial correlation of rho/(1 - (1-rho)...): it is a moving
// average x' = (1-rho) u + rho x, an autoregressive process whose coefficient is rho.
func TestCorrelatedValuesAreAutoregressive(t *testing.T) {
	s := newStreams(1, "x").loss
	for _, rho := range []float64{0, 0.25, 0.5, 0.9} {
		last := draw(s)
		values := make([]float64, frames)
		for i := range values {
			values[i] = float64(correlate(draw(s), &last, uint32(rho*math.MaxUint32)))
		}
		if got := correlation(values); math.Abs(got-rho) > 0.01 {
			t.Errorf("rho %v: measured %.4f", rho, got)
		}
	}
}

// With correlation, losses come in bursts, and their share falls for small probabilities
// because the average of values is rarely small; both as the kernel's arithmetic has it.
func TestModelCorrelatedLoss(t *testing.T) {
	reference := func(p, rho float64) (share, burst float64) {
		// the same process in floating point, by another generator
		x := 0.5
		lost := make([]bool, 4*frames)
		r := newStreams(99, "reference").delay
		for i := range lost {
			x = (1-rho)*float64(draw(r))/(1<<32) + rho*x
			lost[i] = x <= p
		}
		burst, _ = bursts(lost)
		return float64(countOf(lost)) / float64(len(lost)), burst
	}
	for _, rho := range []float64{0.25, 0.5, 0.75} {
		const p = 0.3
		lost := losses(testModel(t, record.Link{Loss: p, LossCorrelation: rho}, 1).run(frames))
		burst, _ := bursts(lost)
		wantShare, wantBurst := reference(p, rho)
		within(t, "share of losses", float64(countOf(lost))/frames, wantShare, 0.03)
		within(t, "mean burst of losses", burst, wantBurst, 0.03)
	}
}

func TestModelGilbertElliott(t *testing.T) {
	for name, g := range map[string]record.GilbertElliott{
		"simple Gilbert": {P: 0.01, R: 0.25, OneMinusH: 1},
		"Gilbert":        {P: 0.02, R: 0.3, OneMinusH: 0.6},
		"all four":       {P: 0.05, R: 0.2, OneMinusH: 0.7, OneMinusK: 0.01},
	} {
		lost := losses(testModel(t, record.Link{GilbertElliott: &g}, 3).run(10 * frames))
		// Stationary probability of the bad state.
		inBad := g.P / (g.P + g.R)
		share := inBad*g.OneMinusH + (1-inBad)*g.OneMinusK
		within(t, name+": share of losses", float64(countOf(lost))/float64(len(lost)), share, 0.02)
		// A burst goes on with the probability of two losses in a row over that of one.
		again := inBad*g.OneMinusH*((1-g.R)*g.OneMinusH+g.R*g.OneMinusK) +
			(1-inBad)*g.OneMinusK*(g.P*g.OneMinusH+(1-g.P)*g.OneMinusK)
		burst, _ := bursts(lost)
		within(t, name+": mean burst", burst, 1/(1-again/share), 0.02)
	}
}

// In the simple Gilbert model the lengths of bursts are geometric with mean 1/r.
func TestModelGilbertBurstLengths(t *testing.T) {
	const r = 0.25
	lost := losses(testModel(t, record.Link{GilbertElliott: &record.GilbertElliott{P: 0.02, R: r, OneMinusH: 1}}, 1).run(10 * frames))
	lengths := map[int]int{}
	total, run := 0, 0
	for _, x := range append(lost, false) {
		if x {
			run++
		} else if run > 0 {
			lengths[run]++
			total++
			run = 0
		}
	}
	for n := 1; n <= 8; n++ {
		withinBinomial(t, "bursts of one length", lengths[n], total, r*math.Pow(1-r, float64(n-1)))
	}
}

func TestModelFourState(t *testing.T) {
	f := record.FourState{P13: 0.02, P31: 0.3, P32: 0.2, P23: 0.4, P14: 0.01}
	lost := losses(testModel(t, record.Link{FourState: &f}, 1).run(10 * frames))
	// Stationary probabilities of the chain, by iterating it: received in a gap, received in
	// a burst, lost in a burst, lost alone.
	s := [4]float64{1, 0, 0, 0}
	for range 10000 {
		s = [4]float64{
			s[0]*(1-f.P13-f.P14) + s[2]*f.P31 + s[3],
			s[1]*(1-f.P23) + s[2]*f.P32,
			s[0]*f.P13 + s[1]*f.P23 + s[2]*(1-f.P31-f.P32),
			s[0] * f.P14,
		}
	}
	within(t, "share of losses", float64(countOf(lost))/float64(len(lost)), s[2]+s[3], 0.02)
	burst, _ := bursts(lost)
	within(t, "mean burst", burst, 1/(1-s[2]*(1-f.P31-f.P32)/(s[2]+s[3])), 0.02)
}

func TestModelSameSeedSameDecisions(t *testing.T) {
	l := record.Link{
		Delay: record.Duration(10 * time.Millisecond), Jitter: record.Duration(2 * time.Millisecond), Distribution: "normal", DelayCorrelation: 0.2,
		Loss: 0.1, LossCorrelation: 0.1, Corrupt: 0.1, Duplicate: 0.1, Reorder: 0.1,
	}
	a, b, c := testModel(t, l, 5), testModel(t, l, 5), testModel(t, l, 6)
	same := 0
	for i := range 10000 {
		d1, e1, f1 := a.next(testLength)
		d2, e2, f2 := b.next(testLength)
		if d1 != d2 || e1 != e2 || f1 != f2 {
			t.Fatalf("frame %d: %+v and %+v", i+1, d1, d2)
		}
		if d3, _, _ := c.next(testLength); d3.delay == d1.delay {
			same++
		}
	}
	if same > 200 { // frames that overtake have no delay
		t.Errorf("another seed gave the same delay for %d of 10000 frames", same)
	}
}

// What one cause does leaves the decisions by all others as they were.
func TestModelCausesAreIndependent(t *testing.T) {
	base := record.Link{Delay: record.Duration(10 * time.Millisecond), Jitter: record.Duration(2 * time.Millisecond), Corrupt: 0.1}
	for name, change := range map[string]func(*record.Link){
		"loss":            func(l *record.Link) { l.Loss = 0.2 },
		"correlated loss": func(l *record.Link) { l.Loss = 0.2; l.LossCorrelation = 0.5 },
		"Gilbert-Elliott": func(l *record.Link) { l.GilbertElliott = &record.GilbertElliott{P: 0.1, R: 0.3, OneMinusH: 1} },
		"duplication":     func(l *record.Link) { l.Duplicate = 0.3 },
	} {
		changed := base
		change(&changed)
		a, b := testModel(t, base, 1), testModel(t, changed, 1)
		for i := range 10000 {
			d, _, _ := a.next(testLength)
			e, _, _ := b.next(testLength)
			if e.lost = false; d != e {
				t.Fatalf("%s: frame %d: %+v became %+v", name, i+1, d, e)
			}
		}
	}
}

// Copies are lost, corrupted and delayed on their own, by the same laws.
func TestModelCopies(t *testing.T) {
	l := record.Link{Delay: record.Duration(10 * time.Millisecond), Jitter: record.Duration(2 * time.Millisecond), Duplicate: 0.5, Loss: 0.1, Corrupt: 0.2}
	m := testModel(t, l, 1)
	var copies, lost, corrupted, alike int
	for range frames {
		d, c, copied := m.next(testLength)
		if !copied {
			continue
		}
		copies++
		if c.lost {
			lost++
		}
		if c.corrupt {
			corrupted++
		}
		if c.delay == d.delay {
			alike++
		}
	}
	withinBinomial(t, "loss of copies", lost, copies, 0.1)
	withinBinomial(t, "corruption of copies", corrupted, copies, 0.2)
	if alike > copies/1000 {
		t.Errorf("%d of %d copies have their original's delay", alike, copies)
	}
}

func BenchmarkModel(b *testing.B) {
	m := testModel(b, record.Link{
		Delay: record.Duration(10 * time.Millisecond), Jitter: record.Duration(2 * time.Millisecond), Distribution: "normal", DelayCorrelation: 0.2,
		Loss: 0.01, Corrupt: 0.01, Duplicate: 0.01, Reorder: 0.01,
	}, 1)
	for b.Loop() {
		m.next(testLength)
	}
}
