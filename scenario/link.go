package scenario

import (
	"fmt"
	"slices"
	"strings"

	"detgen/record"
)

// linkKeys are the last parts of link.HOST.DIRECTION.KEY.
var linkKeys = append(slices.Clip(netemKeys), chosenKeys...)

// netemKeys are settings by chance. Names and meaning are NetEm's (tc-netem(8)).
var netemKeys = []definition{
	{name: "delay", typ: Time, min: "0", max: "10min", law: "exp(100ms, max=1s)", normal: "0s", doc: "time added to every frame",
		link: func(l *record.Link, v Value) { l.Delay = record.Duration(v.Duration()) }},
	{name: "jitter", typ: Time, min: "0", max: "10min", law: "exp(50ms, max=500ms)", normal: "0s", doc: "spread of the delay",
		link: func(l *record.Link, v Value) { l.Jitter = record.Duration(v.Duration()) }},
	{name: "delay_correlation", typ: Fraction, min: "0", max: "100%", normal: "0%", doc: "how much a frame's delay depends on the one before",
		link: func(l *record.Link, v Value) { l.DelayCorrelation = v.number }},
	{name: "distribution", typ: Choice, values: []string{"uniform", "normal", "pareto", "paretonormal"}, normal: "uniform", doc: "law of the jitter: NetEm's tables",
		link: func(l *record.Link, v Value) { l.Distribution = v.text }},
	{name: "loss", typ: Fraction, min: "0", max: "100%", law: "exp(0.1%, max=1%)", normal: "0%", doc: "share of frames lost",
		link: func(l *record.Link, v Value) { l.Loss = v.number }},
	{name: "loss_correlation", typ: Fraction, min: "0", max: "100%", normal: "0%", doc: "how much a loss depends on the frame before",
		link: func(l *record.Link, v Value) { l.LossCorrelation = v.number }},
	{name: "loss_model", typ: String, normal: "none", doc: "instead of loss: gemodel(p, r, 1-h, 1-k) or state(p13, p31, p32, p23, p14), with the defaults of tc-netem(8)",
		check: func(s string) error { return setLossModel(&record.Link{}, s) },
		link:  func(l *record.Link, v Value) { _ = setLossModel(l, v.text) }}, // checked before
	{name: "corrupt", typ: Fraction, min: "0", max: "100%", law: "exp(0.1%, max=1%)", normal: "0%", doc: "share of frames with a bit turned",
		link: func(l *record.Link, v Value) { l.Corrupt = v.number }},
	{name: "corrupt_correlation", typ: Fraction, min: "0", max: "100%", normal: "0%", doc: "how much a corruption depends on the frame before",
		link: func(l *record.Link, v Value) { l.CorruptCorrelation = v.number }},
	{name: "duplicate", typ: Fraction, min: "0", max: "100%", law: "exp(0.1%, max=1%)", normal: "0%", doc: "share of frames sent twice",
		link: func(l *record.Link, v Value) { l.Duplicate = v.number }},
	{name: "duplicate_correlation", typ: Fraction, min: "0", max: "100%", normal: "0%", doc: "how much a duplication depends on the frame before",
		link: func(l *record.Link, v Value) { l.DuplicateCorrelation = v.number }},
	{name: "reorder", typ: Fraction, min: "0", max: "100%", law: "exp(1%, max=10%)", normal: "0%", doc: "share of frames sent at once, before those that are delayed (needs a delay)",
		link: func(l *record.Link, v Value) { l.Reorder = v.number }},
	{name: "reorder_correlation", typ: Fraction, min: "0", max: "100%", normal: "0%", doc: "how much a reordering depends on the frame before",
		link: func(l *record.Link, v Value) { l.ReorderCorrelation = v.number }},
	{name: "reorder_gap", typ: Int, min: "0", max: "1000000", law: "uniform(1, 10)", normal: "0", doc: "only every n-th frame can be reordered (needs reorder); 0 is 1",
		link: func(l *record.Link, v Value) { l.ReorderGap = int(v.number) }},
	{name: "rate", typ: Rate, min: "0", max: "100gbit", law: "choice(500kbit, 1mbit, 5mbit, 10mbit, 25mbit, 50mbit)", normal: "0bit", doc: "bits per second; 0 is unlimited",
		link: func(l *record.Link, v Value) { l.Rate = uint64(v.number) }},
	{name: "limit", typ: Int, min: "1", max: "10000000", law: "uniform(10, 1000)", normal: "1000", doc: "frames in the queue",
		link: func(l *record.Link, v Value) { l.Limit = int(v.number) }},
}

// chosenKeys are about chosen frames and times.
var chosenKeys = []definition{
	{name: "drop", typ: String, normal: "", doc: "frames to lose, by number, connection and segment: data:5, conn:any/syn-ack, frame:7",
		check: func(s string) error { _, err := record.ParseInterventions("drop=" + s); return err },
		link:  func(l *record.Link, v Value) { addInterventions(l, "drop="+v.text) }},
	{name: "frames", typ: String, normal: "", doc: "what to do to chosen frames: drop=data:5; delay(30ms)=frame:7; also duplicate, corrupt, swap",
		check: func(s string) error { _, err := record.ParseInterventions(s); return err },
		link:  func(l *record.Link, v Value) { addInterventions(l, v.text) }},
	{name: "schedule", typ: String, normal: "", doc: "changes over time, after the start of the task: 5s: loss=5% delay=100ms; 10s: loss=0%",
		check: func(s string) error { return setSchedule(&record.Link{}, s) },
		link:  func(l *record.Link, v Value) { _ = setSchedule(l, v.text) }}, // checked before
}

// lastLinkKey is applied when all others are, because it builds on them.
const lastLinkKey = "schedule"

// setLossModel reads gemodel(...) or state(...) with the defaults of tc-netem(8).
func setLossModel(l *record.Link, text string) error {
	if text == none {
		return nil
	}
	c, err := parseCall(text)
	if err != nil || c.plus != "" || len(c.named) > 0 {
		return fmt.Errorf("must be gemodel(p, r, 1-h, 1-k) or state(p13, p31, p32, p23, p14), in percent")
	}
	most := map[string]int{"gemodel": 4, "state": 5}[c.name]
	if most == 0 {
		return fmt.Errorf("no such loss model %q: gemodel or state", c.name)
	}
	if len(c.args) == 0 || len(c.args) > most {
		return fmt.Errorf("%s takes 1 to %d probabilities", c.name, most)
	}
	p := make([]float64, len(c.args))
	for i, arg := range c.args {
		v, err := definition{typ: Fraction, min: "0", max: "100%"}.parse(arg)
		if err != nil {
			return fmt.Errorf("%s: %q %w", c.name, arg, err)
		}
		p[i] = v.number
	}
	or := func(i int, normal float64) float64 {
		if i < len(p) {
			return p[i]
		}
		return normal
	}
	if c.name == "gemodel" {
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
	now.Schedule, now.Interventions = nil, nil
	var changes []record.LinkChange
	for part := range strings.SplitSeq(text, ";") {
		when, settings, ok := strings.Cut(part, ":")
		at, err := ParseValue(Time, strings.TrimSpace(when))
		if !ok || err != nil {
			return fmt.Errorf("%s", how)
		}
		for setting := range strings.FieldsSeq(settings) {
			name, value, _ := strings.Cut(setting, "=")
			d, ok := find(netemKeys, name)
			if !ok {
				return fmt.Errorf("no such setting of a link %q: %s", name, nearest(name, namesOf(netemKeys)))
			}
			v, err := d.parse(value)
			if err != nil {
				return fmt.Errorf("%s: %q %w", name, value, err)
			}
			d.link(&now, v)
		}
		if len(changes) > 0 && record.Duration(at.Duration()) <= changes[len(changes)-1].At {
			return fmt.Errorf("times must rise: %s is not after %s", when, changes[len(changes)-1].At)
		}
		changes = append(changes, record.LinkChange{At: record.Duration(at.Duration()), Link: now})
	}
	l.Schedule = changes
	return nil
}
