package plot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Packets is a figure of packet sequences: a stem a packet, its height by the packet's size, upwards in one
// direction and downwards in the other, with the samples one above the other or side by side on the same scales.
type Packets struct {
	Title    string // none when empty
	Up, Down string // what the directions are: "client to server"
	Samples  []Sample
	Color    ColorBy

	Columns  int           // samples in a row; 0 is 1
	From, To time.Duration // part of the time that is shown; all when To is 0
	Size     int           // size in bytes at the end of the scale; the largest packet when 0
}

// ColorBy is what the colour of stems says.
type ColorBy int

const (
	ColorByFlag  ColorBy = iota // the TCP flag that says most: RST, FIN, SYN, PSH, then ACK
	ColorByPhase                // the phase
)

var colorNames = [...]string{ColorByFlag: "flag", ColorByPhase: "phase"}

// String gives the name that ParseColorBy reads.
func (c ColorBy) String() string { return colorNames[c] }

// ParseColorBy gives what is named "flag" or "phase".
func ParseColorBy(name string) (ColorBy, error) {
	if i := slices.Index(colorNames[:], name); i >= 0 {
		return ColorBy(i), nil
	}
	return 0, fmt.Errorf("color %q: must be flag or phase", name)
}

// Sample is one sequence.
type Sample struct {
	Name    string // none when empty
	Packets []Packet
	Phases  []Phase
	Marks   []Mark
}

// Packet is one packet of a sequence.
type Packet struct {
	Time           time.Duration // since the start of the sample
	Size           int           // bytes
	Up             bool
	TCP            bool
	Flags          uint8 // of the TCP header: FIN 0x01, SYN 0x02, RST 0x04, PSH 0x08, ACK 0x10
	Phase          string
	Retransmission bool
	Lost           bool
}

// Phase is a named span of a sample.
type Phase struct {
	Name       string
	Start, End time.Duration
}

// Mark is a moment of a sample that the figure points out.
type Mark struct {
	Time time.Duration
	Text string
}

const (
	stripHigh = 9  // of the names of phases, above a panel
	panelHigh = 84 // of the stems
)

// Draw makes the figure. It fails when there is nothing to draw.
func (p *Packets) Draw() (*Figure, error) {
	from, to, err := p.span()
	if err != nil {
		return nil, err
	}
	size := p.Size
	if size == 0 {
		size = p.largest(from, to)
	}
	if size <= 0 {
		return nil, fmt.Errorf("draw packets: the size scale must end above 0 bytes, not at %d", size)
	}
	columns := min(max(p.Columns, 1), len(p.Samples))
	f := &Figure{width: pageWidth, title: cmp.Or(p.Title, "packet sequence")}

	keys := p.keys()
	y := f.head(p.Title, p.legend(keys)) + 4

	sizes := linearTicks(0, float64(size), 4)
	left := 4 + 2*(labelSize+2) + widest(sizes) + tickLong + 2
	const gap = 14
	wide := (f.width - left - 8 - gap*float64(columns-1)) / float64(columns)
	unit, unitName := timeUnit(to - from)
	inUnits := func(t time.Duration) float64 { return float64(t) / float64(unit) }
	times := linearTicks(inUnits(from), inUnits(to), int(wide/40)+1)

	bottom := y
	for i := range p.Samples {
		column := i % columns
		if column == 0 && i > 0 {
			y = bottom + 8
		}
		panel := panel{
			f: f, p: p, sample: &p.Samples[i], index: i, keys: keys,
			time: axis{low: inUnits(from), high: inUnits(to), from: left + float64(column)*(wide+gap)},
			unit: unit, start: from, end: to,
			top: y,
		}
		panel.time.to = panel.time.from + wide
		bottom = panel.draw(float64(size), sizes, column == 0)
		last := &f.panels[len(f.panels)-1]
		last.UnitDuration, last.Unit, last.Labelled = unit, unitName, i+columns >= len(p.Samples)
		if column == 0 {
			f.sideLabels(p, panel.middle)
		}
		if i+columns >= len(p.Samples) {
			f.across(&panel.time, times, bottom)
		}
	}
	y = bottom
	y += tickLong + tickSize + labelSize + 3
	f.write(left+(f.width-8-left)/2, y, middle, labelSize, "time ("+unitName+")")
	f.height = y + 6
	f.meaning = meaning{[]string{"sequence", "packet", "time (s)", "size (bytes)", "direction", "flags", "phase", "sent again", "lost"}, func(s Spot) []string {
		sample := &p.Samples[s.Series]
		one := &sample.Packets[s.Index]
		return []string{sample.Name, fmt.Sprint(s.Index + 1), fmt.Sprintf("%.6f", one.Time.Seconds()), fmt.Sprint(one.Size), direction(one.Up, p.Up, p.Down), one.flagNames(), one.Phase, yes(one.Retransmission), yes(one.Lost)}
	}}
	return f, nil
}

// direction names one of two directions.
func direction(isUp bool, up, down string) string {
	if isUp {
		return up
	}
	return down
}

// yes is "yes" or nothing.
func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

// flagNames is the first letters of the packet's TCP flags.
func (p *Packet) flagNames() string {
	text := ""
	for i, name := range []string{"F", "S", "R", "P", "A"} {
		if p.TCP && p.Flags&(1<<i) != 0 {
			text += name
		}
	}
	return text
}

// span is the time that the figure shows.
func (p *Packets) span() (from, to time.Duration, err error) {
	if len(p.Samples) == 0 {
		return 0, 0, errors.New("draw packets: there is no sample")
	}
	if p.To != 0 {
		if p.To <= p.From {
			return 0, 0, fmt.Errorf("draw packets: the time shown ends at %v, not after its start at %v", p.To, p.From)
		}
		return p.From, p.To, nil
	}
	none := true
	for i := range p.Samples {
		for _, one := range p.Samples[i].Packets {
			if none {
				from, to, none = one.Time, one.Time, false
			}
			from, to = min(from, one.Time), max(to, one.Time)
		}
	}
	if none {
		return 0, 0, errors.New("draw packets: no sample has a packet")
	}
	if from >= 0 && from < to/10 {
		from = 0
	}
	from = max(from, p.From)
	margin := max((to-from)/50, 500*time.Nanosecond)
	return from - margin, to + margin, nil
}

// largest is the size of the largest packet shown, at least that of a small frame.
func (p *Packets) largest(from, to time.Duration) int {
	size := 100
	for i := range p.Samples {
		for _, one := range p.Samples[i].Packets {
			if one.Time >= from && one.Time <= to {
				size = max(size, one.Size)
			}
		}
	}
	return size
}

// phaseNames are the names of all phases, in order of their first start.
func (p *Packets) phaseNames() []string {
	var all []Phase
	for i := range p.Samples {
		all = append(all, p.Samples[i].Phases...)
	}
	slices.SortStableFunc(all, func(a, b Phase) int { return cmp.Compare(a.Start, b.Start) })
	var names []string
	for _, one := range all {
		if !slices.Contains(names, one.Name) {
			names = append(names, one.Name)
		}
	}
	return names
}

// has reports whether a sample of the figure has something.
func (p *Packets) has(what func(*Sample) bool) bool {
	for i := range p.Samples {
		if what(&p.Samples[i]) {
			return true
		}
	}
	return false
}
