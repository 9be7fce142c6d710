package record

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// LinkSetting is one number of a Link. Its bounds are what sch_netem can hold (linux/pkt_sched.h), an hour of delay and
// 1 Tbit/s.
type LinkSetting struct {
	Name string  // the last part of its key: link.HOST.DIRECTION.NAME
	Unit string  // "bit/s", "ns", "frames", or "" for a fraction
	Max  float64 // the largest value; the smallest is 0

	Get func(*Link) float64 // its value, in Unit
}

// LinkSettings are all numbers of a link, in the order in which they are shown.
var LinkSettings = []LinkSetting{
	{"rate", bitsPerSecond, 1e12, func(l *Link) float64 { return float64(l.Rate) }},
	{"delay", nanoseconds, float64(time.Hour), func(l *Link) float64 { return float64(l.Delay) }},
	// What fits in the kernel's calculation of a delay (tabledist in sch_netem.c).
	{"jitter", nanoseconds, math.MaxInt32, func(l *Link) float64 { return float64(l.Jitter) }},
	{"delay_correlation", "", 1, func(l *Link) float64 { return l.DelayCorrelation }},
	{"loss", "", 1, func(l *Link) float64 { return l.Loss }},
	{"loss_correlation", "", 1, func(l *Link) float64 { return l.LossCorrelation }},
	{"gilbert_elliott p", "", 1, gilbertElliott(func(g *GilbertElliott) float64 { return g.P })},
	{"gilbert_elliott r", "", 1, gilbertElliott(func(g *GilbertElliott) float64 { return g.R })},
	{"gilbert_elliott one_minus_h", "", 1, gilbertElliott(func(g *GilbertElliott) float64 { return g.OneMinusH })},
	{"gilbert_elliott one_minus_k", "", 1, gilbertElliott(func(g *GilbertElliott) float64 { return g.OneMinusK })},
	{"four_state p13", "", 1, fourState(func(s *FourState) float64 { return s.P13 })},
	{"four_state p31", "", 1, fourState(func(s *FourState) float64 { return s.P31 })},
	{"four_state p32", "", 1, fourState(func(s *FourState) float64 { return s.P32 })},
	{"four_state p23", "", 1, fourState(func(s *FourState) float64 { return s.P23 })},
	{"four_state p14", "", 1, fourState(func(s *FourState) float64 { return s.P14 })},
	{"corrupt", "", 1, func(l *Link) float64 { return l.Corrupt }},
	{"corrupt_correlation", "", 1, func(l *Link) float64 { return l.CorruptCorrelation }},
	{"duplicate", "", 1, func(l *Link) float64 { return l.Duplicate }},
	{"duplicate_correlation", "", 1, func(l *Link) float64 { return l.DuplicateCorrelation }},
	{"reorder", "", 1, func(l *Link) float64 { return l.Reorder }},
	{"reorder_correlation", "", 1, func(l *Link) float64 { return l.ReorderCorrelation }},
	{"reorder_gap", frames, math.MaxInt32, func(l *Link) float64 { return float64(l.ReorderGap) }},
	{"limit", frames, math.MaxInt32, func(l *Link) float64 { return float64(l.Limit) }},
}

// The units of link settings.
const (
	bitsPerSecond = "bit/s"
	nanoseconds   = "ns"
	frames        = "frames"
)

// Distributions are the laws of the jitter: NetEm's tables. "" is the first.
var Distributions = []string{"uniform", "normal", "pareto", "paretonormal"}

func gilbertElliott(get func(*GilbertElliott) float64) func(*Link) float64 {
	return func(l *Link) float64 {
		if l.GilbertElliott == nil {
			return 0
		}
		return get(l.GilbertElliott)
	}
}

func fourState(get func(*FourState) float64) func(*Link) float64 {
	return func(l *Link) float64 {
		if l.FourState == nil {
			return 0
		}
		return get(l.FourState)
	}
}

// text writes a value with its unit, as a user would.
func (s *LinkSetting) text(value float64) string {
	switch s.Unit {
	case nanoseconds:
		return time.Duration(value).String()
	case bitsPerSecond:
		return strconv.FormatFloat(value, 'f', -1, 64) + s.Unit
	case frames:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return strconv.FormatFloat(100*value, 'g', 6, 64) + "%"
}

// check finds a value that is out of bounds.
func (s *LinkSetting) check(l *Link) error {
	value := s.Get(l)
	if value >= 0 && value <= s.Max {
		return nil
	}
	switch s.Unit {
	case "":
		return fmt.Errorf("%s %v: must be from 0 to 1 (0%% to 100%%)", s.Name, value)
	case frames:
		return fmt.Errorf("%s %s: must be from 0 to %s frames", s.Name, s.text(value), s.text(s.Max))
	}
	return fmt.Errorf("%s %s: must be from 0 to %s", s.Name, s.text(value), s.text(s.Max))
}

// Check finds what NetEm cannot do (tc-netem(8)): values out of bounds, and settings that do not go together.
// The schedule counts, too.
func (l *Link) Check() error {
	if err := l.checkSettings(); err != nil {
		return err
	}
	switch {
	case l.Queue != "" && !slices.Contains(Queues, l.Queue):
		return fmt.Errorf("queue %q: must be %s", l.Queue, strings.Join(Queues, ", "))
	case l.Managed() && !l.onlyShaped():
		return fmt.Errorf("queue %s: goes with a rate and a limit only", l.Queue)
	}
	switch n := len(l.Schedule); {
	case n > MaxChanges:
		return fmt.Errorf("schedule of %d changes: must have at most %d", n, MaxChanges)
	case l.Period < 0:
		return fmt.Errorf("period %v: must not be negative", l.Period)
	case l.Period > 0 && (n == 0 || l.Schedule[n-1].At >= l.Period):
		return fmt.Errorf("period %v: must be after the last change of the schedule", l.Period)
	}
	for i := range l.Schedule {
		c := &l.Schedule[i]
		err := c.Link.checkSettings()
		switch {
		case err != nil:
		case c.At < 0:
			err = fmt.Errorf("at %v: must not be negative", c.At)
		case i > 0 && c.At < l.Schedule[i-1].At:
			err = fmt.Errorf("at %v comes after %v", c.At, l.Schedule[i-1].At)
		case len(c.Link.Schedule) > 0 || len(c.Link.Interventions) > 0:
			err = fmt.Errorf("has a schedule or interventions of its own")
		}
		if err != nil {
			return fmt.Errorf("schedule entry %d: %w", i+1, err)
		}
	}
	return nil
}

// checkSettings is Check without the schedule.
func (l *Link) checkSettings() error {
	for i := range LinkSettings {
		if err := LinkSettings[i].check(l); err != nil {
			return err
		}
	}
	s := l.FourState
	switch {
	case l.Distribution != "" && !slices.Contains(Distributions, l.Distribution):
		return fmt.Errorf("distribution %q: must be uniform, normal, pareto or paretonormal", l.Distribution)
	case l.Loss > 0 && (l.GilbertElliott != nil || s != nil) || l.GilbertElliott != nil && s != nil:
		return fmt.Errorf("both loss and loss_model, or two loss models: only one of a probability, gilbert_elliott and four_state can be given")
	case s != nil && s.P13+s.P14 > 1:
		return fmt.Errorf("four_state: p13 + p14 is %v, must not exceed 1", s.P13+s.P14)
	case s != nil && s.P31+s.P32 > 1:
		return fmt.Errorf("four_state: p31 + p32 is %v, must not exceed 1", s.P31+s.P32)
	case l.Reorder > 0 && l.Delay == 0:
		return fmt.Errorf("reorder without a delay: only frames that are not delayed overtake others, so give a delay")
	case l.ReorderGap > 0 && l.Reorder == 0:
		return fmt.Errorf("reorder_gap without reorder: give reorder, too")
	case l.Rate != 0 && l.Rate < 8:
		return fmt.Errorf("rate %d bit/s: must be 0 (unlimited) or at least 8", l.Rate)
	}
	return nil
}

// String gives the settings by the names of their keys, "perfect" when there is none.
func (l *Link) String() string {
	var parts []string
	if l.Managed() {
		parts = append(parts, "queue="+l.Queue)
	}
	if l.Distribution != "" {
		parts = append(parts, "distribution="+l.Distribution)
	}
	for i := range LinkSettings {
		s := &LinkSettings[i]
		model, _, part := strings.Cut(s.Name, " ")
		if value := s.Get(l); value != 0 && !part {
			parts = append(parts, s.Name+"="+s.text(value))
		} else if value != 0 && !slices.Contains(parts, "loss_model="+model) {
			parts = append(parts, "loss_model="+model)
		}
	}
	for _, i := range l.Interventions {
		parts = append(parts, i.String())
	}
	if len(l.Schedule) > 0 {
		text := fmt.Sprintf("(%d changes by schedule", len(l.Schedule))
		if l.Period > 0 {
			text += fmt.Sprintf(", every %v anew", time.Duration(l.Period))
		}
		if l.Trace != nil {
			text += fmt.Sprintf(", %s", l.Trace.File)
		}
		parts = append(parts, text+")")
	}
	if len(parts) == 0 {
		return "perfect"
	}
	return strings.Join(parts, " ")
}

// LinkEffects are what a link may do to a frame.
type LinkEffects struct{ Lose, Corrupt, Duplicate bool }

// Effects are what the link may do at any time of the run. One that lets frames wait loses those that find its queue full.
func (l *Link) Effects() LinkEffects {
	e := LinkEffects{
		Lose:      l.Loss > 0 || l.GilbertElliott != nil || l.FourState != nil || l.Delay > 0 || l.Jitter > 0 || l.Rate > 0,
		Corrupt:   l.Corrupt > 0,
		Duplicate: l.Duplicate > 0,
	}
	for _, i := range l.Interventions {
		switch i.Action {
		case DropFrame:
			e.Lose = true
		case CorruptFrame:
			e.Corrupt = true
		case DuplicateFrame:
			e.Duplicate = true
		}
	}
	for i := range l.Schedule {
		c := l.Schedule[i].Link.Effects()
		e.Lose, e.Corrupt, e.Duplicate = e.Lose || c.Lose, e.Corrupt || c.Corrupt, e.Duplicate || c.Duplicate
	}
	return e
}
