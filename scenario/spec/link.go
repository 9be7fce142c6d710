package spec

import (
	"fmt"
	"slices"
	"strings"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/value"
)

// linkKeys are the last parts of link.HOST.DIRECTION.KEY.
var linkKeys = append(slices.Clip(netemKeys), chosenKeys...)

// netemKeys are settings by chance. Names and meaning are NetEm's (tc-netem(8)).
var netemKeys = []control[record.Link]{
	{value.Definition{Name: "delay", Type: value.Time, Min: "0", Max: "10min", Law: "exp(100ms, max=1s)", Normal: "0s", Doc: "time added to every frame"},
		func(l *record.Link, v value.Value) { l.Delay = record.Duration(v.Duration()) }},
	{value.Definition{Name: "jitter", Type: value.Time, Min: "0", Max: "10min", Law: "exp(50ms, max=500ms)", Normal: "0s", Doc: "spread of the delay"},
		func(l *record.Link, v value.Value) { l.Jitter = record.Duration(v.Duration()) }},
	{value.Definition{Name: "delay_correlation", Type: value.Fraction, Min: "0", Max: "100%", Normal: "0%", Doc: "how much a frame's delay depends on the one before"},
		func(l *record.Link, v value.Value) { l.DelayCorrelation = v.Number() }},
	{value.Definition{Name: "distribution", Type: value.Choice, Values: []string{"uniform", "normal", "pareto", "paretonormal"}, Normal: "uniform", Doc: "law of the jitter: NetEm's tables"},
		func(l *record.Link, v value.Value) { l.Distribution = v.Plain() }},
	{value.Definition{Name: "loss", Type: value.Fraction, Min: "0", Max: "100%", Law: "exp(0.1%, max=1%)", Normal: "0%", Doc: "share of frames lost"},
		func(l *record.Link, v value.Value) { l.Loss = v.Number() }},
	{value.Definition{Name: "loss_correlation", Type: value.Fraction, Min: "0", Max: "100%", Normal: "0%", Doc: "how much a loss depends on the frame before"},
		func(l *record.Link, v value.Value) { l.LossCorrelation = v.Number() }},
	{value.Definition{Name: "loss_model", Type: value.String, Normal: "none", Doc: "instead of loss: gemodel(p, r, 1-h, 1-k) or state(p13, p31, p32, p23, p14), with the defaults of tc-netem(8)",
		Check: func(s string) error { return setLossModel(&record.Link{}, s) }},
		func(l *record.Link, v value.Value) { _ = setLossModel(l, v.Plain()) }}, // checked before
	{value.Definition{Name: "corrupt", Type: value.Fraction, Min: "0", Max: "100%", Law: "exp(0.1%, max=1%)", Normal: "0%", Doc: "share of frames with a bit turned"},
		func(l *record.Link, v value.Value) { l.Corrupt = v.Number() }},
	{value.Definition{Name: "corrupt_correlation", Type: value.Fraction, Min: "0", Max: "100%", Normal: "0%", Doc: "how much a corruption depends on the frame before"},
		func(l *record.Link, v value.Value) { l.CorruptCorrelation = v.Number() }},
	{value.Definition{Name: "duplicate", Type: value.Fraction, Min: "0", Max: "100%", Law: "exp(0.1%, max=1%)", Normal: "0%", Doc: "share of frames sent twice"},
		func(l *record.Link, v value.Value) { l.Duplicate = v.Number() }},
	{value.Definition{Name: "duplicate_correlation", Type: value.Fraction, Min: "0", Max: "100%", Normal: "0%", Doc: "how much a duplication depends on the frame before"},
		func(l *record.Link, v value.Value) { l.DuplicateCorrelation = v.Number() }},
	{value.Definition{Name: "reorder", Type: value.Fraction, Min: "0", Max: "100%", Law: "exp(1%, max=10%)", Normal: "0%", Doc: "share of frames sent at once, before those that are delayed (needs a delay)"},
		func(l *record.Link, v value.Value) { l.Reorder = v.Number() }},
	{value.Definition{Name: "reorder_correlation", Type: value.Fraction, Min: "0", Max: "100%", Normal: "0%", Doc: "how much a reordering depends on the frame before"},
		func(l *record.Link, v value.Value) { l.ReorderCorrelation = v.Number() }},
	{value.Definition{Name: "reorder_gap", Type: value.Int, Min: "0", Max: "1000000", Law: "uniform(1, 10)", Normal: "0", Doc: "only every n-th frame can be reordered (needs reorder); 0 is 1"},
		func(l *record.Link, v value.Value) { l.ReorderGap = int(v.Number()) }},
	{value.Definition{Name: "rate", Type: value.Rate, Min: "0", Max: "100gbit", Law: "choice(500kbit, 1mbit, 5mbit, 10mbit, 25mbit, 50mbit)", Normal: "0bit", Doc: "bits per second; 0 is unlimited"},
		func(l *record.Link, v value.Value) { l.Rate = uint64(v.Number()) }},
	{value.Definition{Name: "limit", Type: value.Int, Min: "1", Max: "10000000", Law: "uniform(10, 1000)", Normal: "1000", Doc: "frames in the queue"},
		func(l *record.Link, v value.Value) { l.Limit = int(v.Number()) }},
}

// chosenKeys are about chosen frames and times.
var chosenKeys = []control[record.Link]{
	{value.Definition{Name: "drop", Type: value.String, Normal: "", Doc: "frames to lose, by number, connection and segment: data:5, conn:any/syn-ack, frame:7",
		Check: func(s string) error { _, err := record.ParseInterventions("drop=" + s); return err }},
		func(l *record.Link, v value.Value) { addInterventions(l, "drop="+v.Plain()) }},
	{value.Definition{Name: "frames", Type: value.String, Normal: "", Doc: "what to do to chosen frames: drop=data:5; delay(30ms)=frame:7; also duplicate, corrupt, swap",
		Check: func(s string) error { _, err := record.ParseInterventions(s); return err }},
		func(l *record.Link, v value.Value) { addInterventions(l, v.Plain()) }},
	{value.Definition{Name: ScheduleKey, Type: value.String, Normal: "", Doc: "changes over time, after the start of the task, each time that it starts: 5s: loss=5% delay=100ms; 10s: loss=0%",
		Check: func(s string) error { return setSchedule(&record.Link{}, s) }},
		func(l *record.Link, v value.Value) { _ = setSchedule(l, v.Plain()) }}, // checked before
	{value.Definition{Name: TraceKey, Type: value.String, Normal: "", Doc: "file of changes over time, in place of schedule: a CSV file with a column time and others of these keys, or a Mahimahi trace",
		Check: func(s string) error {
			if s == "" {
				return fmt.Errorf("must be the name of a file")
			}
			return nil
		}},
		func(*record.Link, value.Value) {}}, // see Trace.Apply
}

// LastLinkKeys are applied when all others are, because they build on them.
var LastLinkKeys = []string{ScheduleKey, TraceKey}

// setLossModel reads gemodel(...) or state(...) with the defaults of tc-netem(8).
func setLossModel(l *record.Link, text string) error {
	if text == None {
		return nil
	}
	c, err := value.ParseCall(text)
	if err != nil || c.Plus != "" || len(c.Named) > 0 {
		return fmt.Errorf("must be gemodel(p, r, 1-h, 1-k) or state(p13, p31, p32, p23, p14), in percent")
	}
	most := map[string]int{"gemodel": 4, "state": 5}[c.Name]
	if most == 0 {
		return fmt.Errorf("no such loss model %q: gemodel or state", c.Name)
	}
	if len(c.Args) == 0 || len(c.Args) > most {
		return fmt.Errorf("%s takes 1 to %d probabilities", c.Name, most)
	}
	p := make([]float64, len(c.Args))
	for i, arg := range c.Args {
		v, err := value.Definition{Type: value.Fraction, Min: "0", Max: "100%"}.Parse(arg)
		if err != nil {
			return fmt.Errorf("%s: %q %w", c.Name, arg, err)
		}
		p[i] = v.Number()
	}
	or := func(i int, normal float64) float64 {
		if i < len(p) {
			return p[i]
		}
		return normal
	}
	if c.Name == "gemodel" {
		l.GilbertElliott = &record.GilbertElliott{P: p[0], R: or(1, 1-p[0]), OneMinusH: or(2, 1), OneMinusK: or(3, 0)}
		return nil
	}
	l.FourState = &record.FourState{P13: p[0], P31: or(1, 1-p[0]), P32: or(2, 0), P23: or(3, 1), P14: or(4, 0)}
	return nil
}

// addInterventions adds interventions that have been checked before.
func addInterventions(l *record.Link, text string) {
	more, _ := record.ParseInterventions(text)
	l.Interventions = append(l.Interventions, more...)
}

// setSchedule reads "TIME: KEY=VALUE ...; TIME: ...". Each change keeps what it does not name
// as it was before.
func setSchedule(l *record.Link, text string) error {
	const how = "must be TIME: KEY=VALUE ...; TIME: ..., like 5s: loss=5% delay=100ms; 10s: loss=0%"
	now := *l
	now.Schedule, now.Period, now.Trace, now.Interventions = nil, 0, nil, nil
	var changes []record.LinkChange
	for part := range strings.SplitSeq(text, ";") {
		when, settings, ok := strings.Cut(part, ":")
		at, err := value.Definition{Type: value.Time, Min: "0s", Max: MaxTime}.Parse(strings.TrimSpace(when))
		if !ok {
			return fmt.Errorf("%s", how)
		}
		if err != nil {
			return fmt.Errorf("%s: %q %w", how, when, err)
		}
		for setting := range strings.FieldsSeq(settings) {
			name, text, _ := strings.Cut(setting, "=")
			d, ok := find(netemKeys, name)
			if !ok {
				return fmt.Errorf("no such setting of a link %q: %s", name, problem.Nearest(name, namesOf(netemKeys)))
			}
			v, err := d.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: %q %w", name, text, err)
			}
			d.set(&now, v)
		}
		if len(changes) > 0 && record.Duration(at.Duration()) <= changes[len(changes)-1].At {
			return fmt.Errorf("times must rise: %s is not after %s", when, changes[len(changes)-1].At)
		}
		changes = append(changes, record.LinkChange{At: record.Duration(at.Duration()), Link: now})
	}
	l.Schedule, l.Period, l.Trace = changes, 0, nil
	return nil
}
