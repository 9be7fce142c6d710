package link

import (
	"math"
	"time"

	"detgen/record"
)

// parameters is a record.Link in the units in which sch_netem holds it (linux/pkt_sched.h):
// probabilities and correlations are fractions of 2^32 - 1.
type parameters struct {
	latency, jitter int64   // ns
	delayRho        uint32  // correlation of the delays
	table           []int16 // of the distribution; nil: uniform
	loss, lossRho   uint32
	model           lossModel
	chain           transitions
	duplicate       uint32
	duplicateRho    uint32
	corrupt         uint32
	corruptRho      uint32
	reorder         uint32
	reorderRho      uint32
	gap             uint32
	rate            uint64 // bytes/s; 0: unlimited
	limit           uint32 // frames
}

type lossModel uint8

const (
	randomLoss lossModel = iota
	fourState
	gilbertElliott
)

// defaultLimit is the queue length of NetEm when none is given (tc-netem(8)).
const defaultLimit = 1000

// compile gives the settings of a link, which Check found right, in the kernel's units, the way tc does
// (iproute2, tc/q_netem.c). The distribution's table comes from tables.
func compile(l record.Link) (parameters, error) {
	p := parameters{
		latency: int64(l.Delay),
		jitter:  int64(l.Jitter),
		gap:     uint32(l.ReorderGap),
		rate:    l.Rate / 8,
		limit:   uint32(l.Limit),
	}
	fraction := func(value float64) uint32 { return uint32(math.RoundToEven(value * math.MaxUint32)) }
	p.delayRho = fraction(l.DelayCorrelation)
	p.loss = fraction(l.Loss)
	p.lossRho = fraction(l.LossCorrelation)
	p.duplicate = fraction(l.Duplicate)
	p.duplicateRho = fraction(l.DuplicateCorrelation)
	p.corrupt = fraction(l.Corrupt)
	p.corruptRho = fraction(l.CorruptCorrelation)
	p.reorder = fraction(l.Reorder)
	p.reorderRho = fraction(l.ReorderCorrelation)
	if g := l.GilbertElliott; g != nil {
		p.model = gilbertElliott
		p.chain[0] = fraction(g.P)
		p.chain[1] = fraction(g.R)
		p.chain[2] = math.MaxUint32 - fraction(g.OneMinusH)
		p.chain[3] = fraction(g.OneMinusK)
	}
	if s := l.FourState; s != nil {
		p.model = fourState
		p.chain[0] = fraction(s.P13)
		p.chain[1] = fraction(s.P31)
		p.chain[2] = fraction(s.P32)
		p.chain[3] = fraction(s.P14)
		p.chain[4] = fraction(s.P23)
	}
	// Rounded up, two that make 1 together would be 0 when added in 32 bits.
	if p.model == fourState {
		p.chain[0] = min(p.chain[0], math.MaxUint32-p.chain[3])
		p.chain[1] = min(p.chain[1], math.MaxUint32-p.chain[2])
	}
	var err error
	if p.table, err = distribution(l.Distribution); err != nil {
		return p, err
	}
	if p.limit == 0 {
		p.limit = defaultLimit
	}
	if p.gap == 0 && p.reorder > 0 {
		p.gap = 1
	}
	return p, nil
}

// change is a scheduled change of settings.
type change struct {
	at       time.Duration // after the main activity's start
	link     record.Link
	settings parameters
}

// schedule is the changes of a line that are still to come.
type schedule struct {
	all    []change
	next   int
	period time.Duration // after which they begin anew; 0: never
	since  time.Duration // the start of the present period, after the main activity's
}

// skip leaves out periods that are over, all but the last.
func (s *schedule) skip(since time.Duration) {
	if s.period > 0 && since-s.since >= 2*s.period {
		s.next, s.since = 0, since-since%s.period-s.period
	}
}

// due gives the next change and when it is to be, after the main activity's start; ok is false when there is none.
func (s *schedule) due() (c *change, at time.Duration, ok bool) {
	if s.next == len(s.all) {
		if s.period == 0 || len(s.all) == 0 {
			return nil, 0, false
		}
		s.next, s.since = 0, s.since+s.period
	}
	c = &s.all[s.next]
	return c, s.since + c.at, true
}

// compileAll is compile with the link's schedule.
func compileAll(l record.Link) (settings parameters, changes []change, err error) {
	if err = l.Check(); err != nil {
		return settings, nil, err
	}
	if settings, err = compile(l); err != nil {
		return settings, nil, err
	}
	for _, c := range l.Schedule {
		changed, err := compile(c.Link)
		if err != nil {
			return settings, nil, err
		}
		changes = append(changes, change{time.Duration(c.At), c.Link, changed})
	}
	return settings, changes, nil
}

// perfect says whether frames pass untouched and at once.
func (p *parameters) perfect() bool {
	return p.latency == 0 && p.jitter == 0 && p.loss == 0 && p.model == randomLoss &&
		p.duplicate == 0 && p.corrupt == 0 && p.gap == 0 && p.rate == 0
}
