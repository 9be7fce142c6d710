package link

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/record"
)

// netemRequired is given where the kernel must have NetEm.
var netemRequired = flag.Bool("netem", false, "fail the tests of the netem driver, rather than skip them, when the kernel lacks what it needs")

func needNetEm(t *testing.T) {
	t.Helper()
	needRoot(t)
	err := Supported(NetEm)
	switch {
	case err == nil:
	case errors.Is(err, ErrUnsupported) && !*netemRequired:
		t.Skipf("runs where the kernel has NetEm, with -netem: %v", err)
	default:
		t.Fatal(err)
	}
}

// Where the kernel lacks NetEm, Open says so, what is missing, and what to do.
func TestNetEmUnsupportedIsNamed(t *testing.T) {
	needRoot(t)
	want := Supported(NetEm)
	if want == nil {
		t.Skip("the kernel has all that the netem driver needs")
	}
	_, err := Open(t.Context(), NetEm, 1, newNetNS(t), []Port{testHost(t, 1)}, nil, slog.New(slog.DiscardHandler))
	if !errors.Is(err, ErrUnsupported) || err.Error() != want.Error() || !strings.Contains(err.Error(), `or use the link driver "soft"`) {
		t.Errorf("got %v, want %v", err, want)
	}
}

var netemSettings = map[string]record.Link{
	"nothing but a limit": {Delay: 1, Limit: 7},
	"delays":              {Delay: ms(20), Jitter: ms(5), DelayCorrelation: 0.25, Distribution: "normal"},
	"long delays":         {Delay: ms(9000), Jitter: ms(2100), Distribution: "pareto"},
	"losses":              {Loss: 0.01, LossCorrelation: 0.5},
	"Gilbert-Elliott":     {GilbertElliott: &record.GilbertElliott{P: 0.01, R: 0.3, OneMinusH: 0.9, OneMinusK: 0.001}},
	"four states":         {FourState: &record.FourState{P13: 0.01, P31: 0.3, P32: 0.2, P23: 0.4, P14: 0.005}},
	"the rest":            {Delay: ms(1), Corrupt: 0.1, CorruptCorrelation: 0.1, Duplicate: 0.2, DuplicateCorrelation: 0.2, Reorder: 0.3, ReorderCorrelation: 0.3, ReorderGap: 4},
	"a rate":              {Rate: 10_000_000},
	"a great rate":        {Rate: 100_000_000_000},
}

func TestNetEmOptionsAreReadAsWritten(t *testing.T) {
	for name, l := range netemSettings {
		p, err := compile(l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseOptions(p.options(77))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := p.difference(&got.settings); d != "" || !got.seeded || got.seed != 77 {
			t.Errorf("%s: %s; seed %d", name, d, got.seed)
		}
	}
}

func TestNetEmDifferenceIsNamed(t *testing.T) {
	p, err := compile(record.Link{Loss: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	other := p
	other.loss++
	if d := p.difference(&other); d != "loss: asked 2147483648, has 2147483649" {
		t.Errorf("difference %q", d)
	}
}

func TestNetEmOptionsCutShort(t *testing.T) {
	whole := (&parameters{}).options(1)
	for n := range whole {
		if got, err := parseOptions(whole[:n]); err == nil && got.seeded {
			t.Errorf("%d of %d bytes: read without error", n, len(whole))
		}
	}
}

func TestNetEmRefusesInterventions(t *testing.T) {
	l := record.Link{Interventions: []record.Intervention{{Action: record.DropFrame, Select: record.Selector{Kind: record.ByFrame, N: 3}}}}
	_, err := newNetEmLine(1, Port{}, "up", l)
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), `intervention drop=frame:3: use the link driver "soft"`) {
		t.Errorf("got %v", err)
	}
}

// A schedule from a table to the uniform distribution must not keep the table.
func TestNetEmScheduleGivesTheUniformTable(t *testing.T) {
	l, err := newNetEmLine(1, Port{}, "up", record.Link{
		Delay: ms(5), Jitter: ms(1), Distribution: "normal",
		Schedule: []record.LinkChange{{Link: record.Link{Delay: ms(5), Jitter: ms(1)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := l.changes.all[0].settings.table
	if len(table) != tableSize || table[0] != -tableScale || table[tableSize/2] != 0 || table[tableSize-1] != tableScale-4 {
		t.Errorf("table of %d values", len(table))
	}
}

// Open reads every setting back and compares it.
func TestNetEmKernelTakesSettings(t *testing.T) {
	needNetEm(t)
	for name, l := range netemSettings {
		a, b := testHost(t, 1), testHost(t, 2)
		a.Up, b.Down = l, l
		d, err := Open(t.Context(), NetEm, 1, newNetNS(t), []Port{a, b}, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := d.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
}

// Frames meet the link between the captures, in both directions.
func TestNetEmDelaysBothDirections(t *testing.T) {
	needNetEm(t)
	for name, c := range map[string]struct{ up, down record.Link }{
		"up":   {up: record.Link{Delay: ms(30)}},
		"down": {down: record.Link{Delay: ms(30)}},
		"both": {record.Link{Delay: ms(10)}, record.Link{Delay: ms(20)}},
	} {
		a, b := testHost(t, 1), testHost(t, 2)
		a.Up, b.Down = c.up, c.down
		openLinks(t, NetEm, 1, a, b)
		from, to := sniff(t, a), sniff(t, b)
		sender := newRawSender(t, a)
		for i := range 5 {
			sender.send(t, numbered(i, 100))
		}
		sent, received := from.frames(true, 5), to.frames(false, 5)
		if len(sent) != 5 || len(received) != 5 {
			t.Fatalf("%s: %d frames sent, %d received", name, len(sent), len(received))
		}
		for i, f := range received {
			if !bytes.Equal(f.data, sent[i].data) {
				t.Errorf("%s: frame %d changed", name, i)
			}
			if took := f.time.Sub(sent[i].time); took < 30*time.Millisecond || took > 80*time.Millisecond {
				t.Errorf("%s: frame %d took %v, want 30ms", name, i, took)
			}
		}
	}
}

func TestNetEmBridgesNetworks(t *testing.T) {
	needNetEm(t)
	ports := []Port{testHost(t, 1), testHost(t, 2), testHost(t, 3), testHost(t, 4)}
	ports[3].Network = "other"
	for i := range ports {
		ports[i].Up.Delay = ms(5)
	}
	d := openLinks(t, NetEm, 1, ports...)
	var sniffers []*sniffer
	for _, p := range ports {
		sniffers = append(sniffers, sniff(t, p))
	}
	sender := newRawSender(t, ports[0])
	sender.send(t, testFrame(station(1), 0xffffffffffff, 100))
	sender.send(t, testFrame(station(1), station(3), 100))
	sniffers[2].frames(false, 2)
	drained(t, d)
	for i, want := range []int{0, 1, 2, 0} {
		if n := len(sniffers[i].frames(false, want)); n != want {
			t.Errorf("h%d received %d frames, want %d", i+1, n, want)
		}
	}
}

func TestNetEmSchedule(t *testing.T) {
	needNetEm(t)
	a, b := testHost(t, 1), testHost(t, 2)
	a.Up.Schedule = []record.LinkChange{{At: 0, Link: record.Link{Loss: 1}}, {At: ms(500), Link: record.Link{Delay: ms(50)}}}
	d := openLinks(t, NetEm, 1, a, b)
	to := sniff(t, b)
	sender := newRawSender(t, a)
	sender.send(t, numbered(0, 100))
	to.frames(false, 1)
	d.Start(time.Now())
	lossy := func() bool { return results(t, d)[0].ReadBack.Loss == 1 }
	for !lossy() {
		time.Sleep(time.Millisecond)
	}
	sender.send(t, numbered(1, 100))
	for lossy() {
		time.Sleep(time.Millisecond)
	}
	sender.send(t, numbered(2, 100))
	got := to.frames(false, 2)
	if len(got) != 2 || number(got[1].data) != 2 {
		t.Errorf("%d frames arrived", len(got))
	}
	if r := results(t, d)[0]; r.Lost != 1 || r.Frames != 3 {
		t.Errorf("%+v", r)
	}
}

// observed is what two captures tell about a line.
type observed struct {
	sent, lost, copies, corrupted, overtaken int
	delays                                   []float64 // ms, of frames neither copied nor corrupted
	lossRuns                                 float64   // mean length
}

// observe sends n frames through a link with the given up settings, a few at a time, and
// looks at the captures alone.
func observe(t *testing.T, driver string, up record.Link, n int) observed {
	t.Helper()
	a, b := testHost(t, 1), testHost(t, 2)
	a.Up = up
	d := openLinks(t, driver, 3, a, b)
	from, to := sniff(t, a), sniff(t, b)
	sender := newRawSender(t, a)
	start := time.Now()
	const four = 2200 * time.Microsecond // the time for four frames, whatever the driver costs the sender
	for i := range n {
		frame := numbered(i, 120)
		for k := 18; k < 120; k += 4 { // the number again and again, so that corruption is seen and survived
			copy(frame[k:], frame[14:18])
		}
		sender.send(t, frame[:118])
		if i%4 == 3 {
			time.Sleep(time.Until(start.Add(time.Duration(i/4+1) * four)))
		}
	}
	drained(t, d)
	result := results(t, d)[0]
	sent := from.frames(true, n)
	if len(sent) != n {
		t.Fatalf("%s: %d frames sent, want %d", driver, len(sent), n)
	}
	o := observed{sent: n}
	arrivals := make([][]time.Time, n)
	intact := make([]bool, n)
	highest := -1
	received := to.frames(false, int(result.Frames-result.Lost-result.QueueDrops+result.Duplicated))
	for _, f := range received {
		i := majority(f.data)
		if i < 0 || i >= n {
			t.Fatalf("%s: a frame with number %d arrived", driver, i)
		}
		if bytes.Equal(f.data, sent[i].data) {
			intact[i] = true
		} else {
			o.corrupted++
		}
		arrivals[i] = append(arrivals[i], f.time)
		if i < highest {
			o.overtaken++
		}
		highest = max(highest, i)
	}
	lost := make([]bool, n)
	for i, times := range arrivals {
		switch {
		case len(times) == 0:
			o.lost++
			lost[i] = true
		case len(times) > 1:
			o.copies++
		case intact[i]:
			// In steps of 0.1 ms: what the drivers' own work takes is not to be seen.
			o.delays = append(o.delays, float64(times[0].Sub(sent[i].time)/100_000)/10)
		}
	}
	if o.lost > 0 {
		o.lossRuns, _ = bursts(lost)
	}
	return o
}

// majority gives the number that a frame repeats, however a bit was flipped.
func majority(frame []byte) int {
	count := map[int]int{}
	best := -1
	for k := 14; k+4 <= len(frame); k += 4 {
		n := number(frame[k-14:])
		count[n]++
		if best < 0 || count[n] > count[best] {
			best = n
		}
	}
	return best
}

// The two drivers give the same distributions for the same settings.
func TestNetEmAndSoftConform(t *testing.T) {
	needNetEm(t)
	const n = 2000
	for name, l := range map[string]record.Link{
		"delay":           {Delay: ms(20)},
		"uniform":         {Delay: ms(60), Jitter: ms(20)},
		"normal":          {Delay: ms(60), Jitter: ms(15), Distribution: "normal"},
		"pareto":          {Delay: ms(60), Jitter: ms(15), Distribution: "pareto"},
		"paretonormal":    {Delay: ms(60), Jitter: ms(15), Distribution: "paretonormal"},
		"correlated":      {Delay: ms(60), Jitter: ms(15), Distribution: "normal", DelayCorrelation: 0.5},
		"loss":            {Loss: 0.05},
		"correlated loss": {Loss: 0.3, LossCorrelation: 0.5},
		"Gilbert-Elliott": {GilbertElliott: &record.GilbertElliott{P: 0.05, R: 0.3, OneMinusH: 0.8, OneMinusK: 0.01}},
		"four states":     {FourState: &record.FourState{P13: 0.03, P31: 0.3, P32: 0.2, P23: 0.4, P14: 0.02}},
		"corruption":      {Corrupt: 0.05},
		"duplication":     {Duplicate: 0.05},
		"reordering":      {Delay: ms(20), Reorder: 0.1, ReorderGap: 3},
		"a gap":           {Delay: ms(20), Reorder: 1, ReorderGap: 5},
		"rate":            {Rate: 3_000_000},
		"rate and limit":  {Rate: 1_500_000, Limit: 20},
		"all":             {Delay: ms(40), Jitter: ms(10), Distribution: "normal", Loss: 0.05, Corrupt: 0.05, Duplicate: 0.05, Reorder: 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			kernel, ours := observe(t, NetEm, l, n), observe(t, Soft, l, n)
			same := func(what string, a, b int) {
				t.Helper()
				// two proportions: beyond 3.3 standard errors once in a thousand times
				pooled := float64(a+b) / (2 * n)
				z := float64(a-b) / n / math.Sqrt(2*pooled*(1-pooled)/n)
				// what comes in runs of mean length k varies as n/(2k-1) independent events do
				if what == "lost" {
					z /= math.Sqrt(max(1, 2*ours.lossRuns-1))
				}
				if math.Abs(z) > 3.3 {
					t.Errorf("%s: %d with netem, %d with soft, of %d", what, a, b, n)
				}
			}
			same("lost", kernel.lost, ours.lost)
			same("copied", kernel.copies, ours.copies)
			same("corrupted", kernel.corrupted, ours.corrupted)
			same("overtaken", kernel.overtaken, ours.overtaken)
			// The lengths of runs are about geometric: their deviation is about their mean.
			runs := float64(ours.lost) / ours.lossRuns
			if ours.lost > 50 && math.Abs(kernel.lossRuns-ours.lossRuns) > 3.3*ours.lossRuns*math.Sqrt(2/runs) {
				t.Errorf("losses in a row: %.3f with netem, %.3f with soft", kernel.lossRuns, ours.lossRuns)
			}
			t.Logf("netem and soft: lost %d %d (%.2f %.2f in a row), copied %d %d, corrupted %d %d, overtaken %d %d", kernel.lost, ours.lost,
				kernel.lossRuns, ours.lossRuns, kernel.copies, ours.copies, kernel.corrupted, ours.corrupted, kernel.overtaken, ours.overtaken)
			a, b := kernel.delays, ours.delays
			slices.Sort(a)
			slices.Sort(b)
			t.Logf("median delay %.3f %.3f ms, 99 %% %.3f %.3f ms", a[len(a)/2], b[len(b)/2], a[len(a)*99/100], b[len(b)*99/100])
			if l.Jitter == 0 {
				if d := math.Abs(a[len(a)/2] - b[len(b)/2]); d > 0.5 {
					t.Errorf("median delay %.3f ms with netem, %.3f with soft", a[len(a)/2], b[len(b)/2])
				}
				return
			}
			limit := 1.628 * math.Sqrt(float64(len(a)+len(b))/float64(len(a)*len(b)))
			if d := kolmogorovSmirnov(a, b); d > limit {
				t.Errorf("distributions of delays differ by %.4f, more than %.4f", d, limit)
			}
		})
	}
}
