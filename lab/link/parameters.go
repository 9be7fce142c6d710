package link

import (
	"fmt"
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

// maxJitter is what fits in the kernel's calculation of a delay (tabledist in sch_netem.c).
const maxJitter = math.MaxInt32 * time.Nanosecond

// compile checks a link's settings and gives them in the kernel's units, the way tc does
// (iproute2, tc/q_netem.c). The distribution's table comes from tables.
func compile(l record.Link) (parameters, error) {
	p := parameters{
		latency: int64(l.Delay),
		jitter:  int64(l.Jitter),
		gap:     uint32(l.ReorderGap),
		rate:    l.Rate / 8,
		limit:   uint32(l.Limit),
	}
	var err error
	fraction := func(name string, value float64) uint32 {
		if !(value >= 0 && value <= 1) && err == nil {
			err = fmt.Errorf("%s %v: must be from 0 to 1 (0%% to 100%%)", name, value)
		}
		return uint32(math.RoundToEven(value * math.MaxUint32))
	}
	p.delayRho = fraction("delay_correlation", l.DelayCorrelation)
	p.loss = fraction("loss", l.Loss)
	p.lossRho = fraction("loss_correlation", l.LossCorrelation)
	p.duplicate = fraction("duplicate", l.Duplicate)
	p.duplicateRho = fraction("duplicate_correlation", l.DuplicateCorrelation)
	p.corrupt = fraction("corrupt", l.Corrupt)
	p.corruptRho = fraction("corrupt_correlation", l.CorruptCorrelation)
	p.reorder = fraction("reorder", l.Reorder)
	p.reorderRho = fraction("reorder_correlation", l.ReorderCorrelation)
	if g := l.GilbertElliott; g != nil {
		p.model = gilbertElliott
		p.chain[0] = fraction("gilbert_elliott p", g.P)
		p.chain[1] = fraction("gilbert_elliott r", g.R)
		p.chain[2] = math.MaxUint32 - fraction("gilbert_elliott one_minus_h", g.OneMinusH)
		p.chain[3] = fraction("gilbert_elliott one_minus_k", g.OneMinusK)
	}
	if s := l.FourState; s != nil {
		p.model = fourState
		p.chain[0] = fraction("four_state p13", s.P13)
		p.chain[1] = fraction("four_state p31", s.P31)
		p.chain[2] = fraction("four_state p32", s.P32)
		p.chain[3] = fraction("four_state p14", s.P14)
		p.chain[4] = fraction("four_state p23", s.P23)
	}
	if err != nil {
		return p, err
	}
	// Rounded up, two that make 1 together would be 0 when added in 32 bits.
	if p.model == fourState {
		p.chain[0] = min(p.chain[0], math.MaxUint32-p.chain[3])
		p.chain[1] = min(p.chain[1], math.MaxUint32-p.chain[2])
	}
	if p.table, err = distribution(l.Distribution); err != nil {
		return p, err
	}
	switch models := countTrue(l.Loss > 0, l.GilbertElliott != nil, l.FourState != nil); {
	case models > 1:
		return p, fmt.Errorf("loss: only one of a probability, gilbert_elliott and four_state can be given")
	case l.FourState != nil && l.FourState.P13+l.FourState.P14 > 1:
		return p, fmt.Errorf("four_state: p13 + p14 is %v, must not exceed 1", l.FourState.P13+l.FourState.P14)
	case l.FourState != nil && l.FourState.P31+l.FourState.P32 > 1:
		return p, fmt.Errorf("four_state: p31 + p32 is %v, must not exceed 1", l.FourState.P31+l.FourState.P32)
	case l.Delay < 0:
		return p, fmt.Errorf("delay %v: must not be negative", l.Delay)
	case l.Jitter < 0 || time.Duration(l.Jitter) > maxJitter:
		return p, fmt.Errorf("jitter %v: must be from 0 to %v", l.Jitter, maxJitter)
	case l.ReorderGap < 0 || l.ReorderGap > math.MaxInt32:
		return p, fmt.Errorf("reorder_gap %d: must be from 0 to %d frames", l.ReorderGap, math.MaxInt32)
	case (l.Reorder > 0 || l.ReorderGap > 0) && l.Delay == 0:
		return p, fmt.Errorf("reorder: needs a delay, which the frames that overtake do not have")
	case l.Limit < 0 || l.Limit > math.MaxInt32:
		return p, fmt.Errorf("limit %d: must be from 0 (the default, %d) to %d frames", l.Limit, defaultLimit, math.MaxInt32)
	case l.Rate != 0 && l.Rate < 8:
		return p, fmt.Errorf("rate %d bit/s: must be 0 (unlimited) or at least 8", l.Rate)
	}
	if p.limit == 0 {
		p.limit = defaultLimit
	}
	// A gap alone means that every gap-th frame overtakes; a probability alone means no gap.
	switch {
	case p.gap > 0 && p.reorder == 0:
		p.reorder = math.MaxUint32
	case p.gap == 0 && p.reorder > 0:
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

// compileAll is compile with the link's schedule.
func compileAll(l record.Link) (settings parameters, changes []change, err error) {
	if settings, err = compile(l); err != nil {
		return settings, nil, err
	}
	for i, c := range l.Schedule {
		changed, err := compile(c.Link)
		switch {
		case err != nil:
			return settings, nil, fmt.Errorf("schedule entry %d: %w", i+1, err)
		case i > 0 && c.At < l.Schedule[i-1].At:
			return settings, nil, fmt.Errorf("schedule entry %d: at %v comes after %v", i+1, c.At, l.Schedule[i-1].At)
		case len(c.Link.Schedule) > 0 || len(c.Link.Interventions) > 0:
			return settings, nil, fmt.Errorf("schedule entry %d: has a schedule or interventions of its own", i+1)
		}
		changes = append(changes, change{time.Duration(c.At), c.Link, changed})
	}
	return settings, changes, nil
}

func countTrue(values ...bool) int {
	n := 0
	for _, v := range values {
		if v {
			n++
		}
	}
	return n
}

// perfect says whether frames pass untouched and at once.
func (p *parameters) perfect() bool {
	return p.latency == 0 && p.jitter == 0 && p.loss == 0 && p.model == randomLoss &&
		p.duplicate == 0 && p.corrupt == 0 && p.gap == 0 && p.rate == 0
}
