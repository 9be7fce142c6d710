package twin

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"detgen/record"
)

// Report describes what two runs share and where they part.
type Report struct {
	A        Side         `json:"a"`
	B        Side         `json:"b"`
	Differ   []Difference `json:"differ"` // controlled values that are not the same
	Exact    bool         `json:"exact"`  // bytes and times are compared; else structure is
	Captures []Capture    `json:"captures"`
	First    *Divergence  `json:"first,omitempty"` // nil: the captures are the same
	Cause    *Cause       `json:"cause,omitempty"` // the first thing that the links did in one run and not in the other; nil: there is none
	Pairs    []Pair       `json:"-"`
}

// Side is one of the two runs.
type Side struct {
	Dir    string `json:"dir"`
	Task   string `json:"task"`
	Seed   uint64 `json:"seed"`
	Engine string `json:"engine"`
}

// Difference is a controlled value in which the runs differ; "" where one has no such value.
type Difference struct {
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Capture compares the captures of one interface.
type Capture struct {
	Host      string `json:"host"`
	Interface string `json:"interface"`
	FramesA   int    `json:"frames_a"`
	FramesB   int    `json:"frames_b"`
	Equal     int    `json:"equal"`      // frames from the start that have the same bytes at the same time
	SameBytes int    `json:"same_bytes"` // frames from the start that have the same bytes
	Paired    int    `json:"paired"`     // frames that have a counterpart
	OnlyA     int    `json:"only_a"`
	OnlyB     int    `json:"only_b"`
}

// Divergence is the first frame at which the runs part. A number is 0 when the frame is missing
// in that run.
type Divergence struct {
	Host      string        `json:"host"` // at whose capture
	Interface string        `json:"interface"`
	NumberA   uint64        `json:"number_a"`
	NumberB   uint64        `json:"number_b"`
	AfterA    time.Duration `json:"after_a_ns"` // since the main activity's start
	AfterB    time.Duration `json:"after_b_ns"`
	What      string        `json:"what"`   // the frame: conversation, direction, part
	Reason    string        `json:"reason"` // what is different about it
}

// Cause is what a link did to a frame that it sent.
type Cause struct {
	Run       string        `json:"run"` // "a" or "b": the one in which it did
	Host      string        `json:"host"`
	Interface string        `json:"interface"`
	Number    uint64        `json:"number"` // of the frame in the host's capture
	After     time.Duration `json:"after_ns"`
	What      string        `json:"what"` // the frame: conversation, direction, part
	Did       string        `json:"did"`  // by the links' log, or the fate
}

// Pair is one frame of a capture in both runs. A number is 0 when the frame is missing there.
type Pair struct {
	Host, Interface  string
	What             string
	NumberA, NumberB uint64
	AfterA, AfterB   time.Duration // since each run's main activity started
	SameBytes        bool
}

// Compare aligns two run directories. Twins that differ in links only, on an engine that repeats bytes, are compared by
// bytes and times, others by structure.
func Compare(dirA, dirB string) (*Report, error) {
	return compare(dirA, dirB, func(a, b *record.Record) bool {
		return a.Result.Engine.Repeats() && b.Result.Engine.Repeats() && a.Run.Twin != "" && b.Run.Twin != ""
	})
}

// CompareBytes aligns two run directories that should be the same to the byte.
func CompareBytes(dirA, dirB string) (*Report, error) {
	return compare(dirA, dirB, func(a, b *record.Record) bool { return true })
}

func compare(dirA, dirB string, exact func(a, b *record.Record) bool) (*Report, error) {
	ra, as, err := load(dirA)
	if err != nil {
		return nil, err
	}
	rb, bs, err := load(dirB)
	if err != nil {
		return nil, err
	}
	report := &Report{A: side(dirA, ra), B: side(dirB, rb), Differ: differ(ra, rb)}
	report.Exact = exact(ra, rb)
	for _, a := range as {
		i := slices.IndexFunc(bs, func(b capture) bool { return b.host == a.host && b.iface == a.iface })
		if i < 0 {
			return nil, fmt.Errorf("%s has no capture of host %q, interface %s: these are not twins", dirB, a.host, a.iface)
		}
		c := comparison{a: a, b: bs[i], startA: ra.Result.Started.UnixNano(), startB: rb.Result.Started.UnixNano(), exact: report.Exact}
		report.Captures = append(report.Captures, c.summary())
		report.Pairs = append(report.Pairs, c.pairs()...)
		if d := c.divergence(); d.before(report.First) {
			report.First = d
		}
	}
	if len(as) != len(bs) {
		return nil, fmt.Errorf("%s has %d captures, %s has %d: these are not twins", dirA, len(as), dirB, len(bs))
	}
	inA, err := events(dirA, ra, as)
	if err != nil {
		return nil, err
	}
	inB, err := events(dirB, rb, bs)
	if err != nil {
		return nil, err
	}
	report.Cause = cause(as, bs, inA, inB)
	return report, nil
}

func side(dir string, r *record.Record) Side {
	s := Side{Dir: dir, Seed: r.Run.Seed, Engine: r.Result.Engine.Name}
	if len(r.Run.Activities) > 0 {
		s.Task = r.Run.Activities[0].Scenario + "/" + r.Run.Activities[0].Task
	}
	return s
}

// differ lists the controlled values that are not the same.
func differ(a, b *record.Record) []Difference {
	values := func(r *record.Record) map[string]string {
		m := map[string]string{}
		for _, v := range r.Run.Values {
			m[v.Name] = v.Value
		}
		return m
	}
	va, vb := values(a), values(b)
	list := []Difference{}
	for name, value := range va {
		if vb[name] != value {
			list = append(list, Difference{name, value, vb[name]})
		}
	}
	for name, value := range vb {
		if _, ok := va[name]; !ok {
			list = append(list, Difference{name, "", value})
		}
	}
	slices.SortFunc(list, func(x, y Difference) int { return bytes.Compare([]byte(x.Name), []byte(y.Name)) })
	return list
}

// comparison is one interface's capture in both runs.
type comparison struct {
	a, b           capture
	startA, startB int64
	exact          bool
}

// after gives times since the main activity's start.
func (c *comparison) afterA(f *frame) time.Duration { return time.Duration(f.time - c.startA) }
func (c *comparison) afterB(f *frame) time.Duration { return time.Duration(f.time - c.startB) }

func (c *comparison) summary() Capture {
	s := Capture{Host: c.a.host, Interface: c.a.iface, FramesA: len(c.a.frames), FramesB: len(c.b.frames)}
	s.Equal, s.SameBytes = c.common(true), c.common(false)
	for _, p := range c.pairs() {
		switch {
		case p.NumberB == 0:
			s.OnlyA++
		case p.NumberA == 0:
			s.OnlyB++
		default:
			s.Paired++
		}
	}
	return s
}

// common counts the frames from the start that have the same bytes, and times if asked.
func (c *comparison) common(times bool) int {
	n := 0
	for n < min(len(c.a.frames), len(c.b.frames)) {
		a, b := &c.a.frames[n], &c.b.frames[n]
		if !bytes.Equal(a.data, b.data) || times && a.time != b.time {
			break
		}
		n++
	}
	return n
}

// pairs joins the frames of both captures by what they are. The order is that of the first run,
// frames that only the second has come last, in its order.
func (c *comparison) pairs() []Pair {
	inB := map[string]*frame{}
	for i := range c.b.frames {
		inB[c.b.frames[i].key()] = &c.b.frames[i]
	}
	list := make([]Pair, 0, len(c.a.frames))
	for i := range c.a.frames {
		f := &c.a.frames[i]
		p := Pair{Host: c.a.host, Interface: c.a.iface, What: f.flow + " " + f.part, NumberA: f.number, AfterA: c.afterA(f)}
		if other := inB[f.key()]; other != nil {
			p.NumberB, p.AfterB, p.SameBytes = other.number, c.afterB(other), bytes.Equal(f.data, other.data)
			delete(inB, f.key())
		}
		list = append(list, p)
	}
	for i := range c.b.frames {
		f := &c.b.frames[i]
		if inB[f.key()] != nil {
			list = append(list, Pair{Host: c.b.host, Interface: c.b.iface, What: f.flow + " " + f.part, NumberB: f.number, AfterB: c.afterB(f)})
		}
	}
	return list
}

// divergence gives the first frame at which the captures part, nil if they do not.
func (c *comparison) divergence() *Divergence {
	if c.exact {
		return c.exactDivergence()
	}
	return c.structuralDivergence()
}

// exactDivergence compares frame by frame, bytes and times.
func (c *comparison) exactDivergence() *Divergence {
	n := c.common(true)
	var a, b *frame
	if n < len(c.a.frames) {
		a = &c.a.frames[n]
	}
	if n < len(c.b.frames) {
		b = &c.b.frames[n]
	}
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil || b == nil:
		return c.diverged(a, b, "it is missing in the other run")
	case a.key() != b.key():
		return c.diverged(a, b, "the other run has another frame here: "+b.flow+" "+b.part)
	case !bytes.Equal(a.data, b.data):
		return c.diverged(a, b, fmt.Sprintf("byte %d differs", firstDifference(a.data, b.data)))
	}
	later, when := time.Duration(b.time-a.time), "later"
	if later < 0 {
		later, when = -later, "earlier"
	}
	return c.diverged(a, b, fmt.Sprintf("it comes %s %s in the second run", later, when))
}

// structuralDivergence compares, conversation by conversation and direction by direction, which
// frames there are and in which order. Bare acknowledgements do not count: how many there are
// is a matter of timing.
func (c *comparison) structuralDivergence() *Divergence {
	sequences := func(frames []frame) map[string][]*frame {
		m := map[string][]*frame{}
		for i := range frames {
			if f := &frames[i]; !f.ack {
				m[f.flow] = append(m[f.flow], f)
			}
		}
		return m
	}
	sa, sb := sequences(c.a.frames), sequences(c.b.frames)
	var first *Divergence
	note := func(d *Divergence) {
		if d.before(first) {
			first = d
		}
	}
	for flow, list := range sa {
		note(c.partsDiverge(list, sb[flow]))
	}
	for flow, list := range sb {
		if sa[flow] == nil {
			note(c.partsDiverge(nil, list))
		}
	}
	return first
}

func (c *comparison) partsDiverge(as, bs []*frame) *Divergence {
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(bs):
			return c.diverged(as[i], nil, "it is missing in the second run")
		case i >= len(as):
			return c.diverged(nil, bs[i], "it is missing in the first run")
		case as[i].part != bs[i].part:
			return c.diverged(as[i], bs[i], "the second run has another part of the conversation here: "+bs[i].part)
		}
	}
	return nil
}

func (c *comparison) diverged(a, b *frame, reason string) *Divergence {
	d := &Divergence{Host: c.a.host, Interface: c.a.iface, Reason: reason}
	if b != nil {
		d.NumberB, d.AfterB, d.What = b.number, c.afterB(b), b.flow+" "+b.part
	}
	if a != nil {
		d.NumberA, d.AfterA, d.What = a.number, c.afterA(a), a.flow+" "+a.part
	}
	return d
}

// After is when both runs have come to the point, or the one that has the frame: what parted later
// in a slow run may have come earlier in the other.
func (d *Divergence) After() time.Duration { return max(d.AfterA, d.AfterB) }

// before reports whether the runs part at d before they do at other.
func (d *Divergence) before(other *Divergence) bool {
	return d != nil && (other == nil || d.After() < other.After())
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
