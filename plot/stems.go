package plot

import (
	"fmt"
	"image/color"
	"slices"
	"time"
)

// panel is the drawing of one sample.
type panel struct {
	f          *Figure
	p          *Packets
	sample     *Sample
	index      int // of the sample
	keys       []key
	time       axis // in units
	unit       time.Duration
	start, end time.Duration
	top        float64
	middle     float64 // where packets stand
}

// key is a colour of stems and what it means. Later ones are drawn over earlier ones.
type key struct {
	name  string
	color color.NRGBA
	has   func(*Packet) bool
}

// TCP flags.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// keys are the colours that the figure's packets need.
func (p *Packets) keys() []key {
	var all []key
	if p.Color == ColorByPhase {
		names := p.phaseNames()
		for i, name := range names {
			all = append(all, key{fmt.Sprintf("%d %s", i+1, name), strong[i%len(strong)], func(q *Packet) bool { return q.Phase == name }})
		}
		all = append(all, key{"in no phase", grey, func(q *Packet) bool { return !slices.Contains(names, q.Phase) }})
	} else {
		all = flagKeys
	}
	return slices.DeleteFunc(slices.Clone(all), func(k key) bool {
		for i := range p.Samples {
			for j := range p.Samples[i].Packets {
				if k.has(&p.Samples[i].Packets[j]) {
					return false
				}
			}
		}
		return true
	})
}

var flagKeys = []key{
	{"not TCP", strong[3], func(q *Packet) bool { return !q.TCP }},
	{"no flag", strong[6], func(q *Packet) bool { return q.TCP && q.Flags&(fin|syn|rst|psh|ack) == 0 }},
	{"ACK", strong[5], only(ack, fin|syn|rst|psh)},
	{"PSH", strong[0], only(psh, fin|syn|rst)},
	{"SYN", strong[4], only(syn, fin|rst)},
	{"FIN", strong[2], only(fin, rst)},
	{"RST", strong[1], only(rst, 0)},
}

func only(flag, not uint8) func(*Packet) bool {
	return func(q *Packet) bool { return q.TCP && q.Flags&flag != 0 && q.Flags&not == 0 }
}

// legend is the entries of the figure's legend.
func (p *Packets) legend(keys []key) []entry {
	var entries []entry
	for _, k := range keys {
		entries = append(entries, entry{k.name, func(f *Figure, x, y float64) { f.fillRect(x-1.25, y-4, 2.5, 8, k.color) }})
	}
	var again, lost bool
	for i := range p.Samples {
		for _, one := range p.Samples[i].Packets {
			again, lost = again || one.Retransmission, lost || one.Lost
		}
	}
	if again {
		entries = append(entries, entry{"retransmission", func(f *Figure, x, y float64) { f.ring(x, y) }})
	}
	if lost {
		entries = append(entries, entry{"lost", func(f *Figure, x, y float64) { f.cross(x, y) }})
	}
	if p.Color == ColorByFlag {
		for i, name := range p.phaseNames() {
			entries = append(entries, entry{fmt.Sprintf("%d %s", i+1, name), func(f *Figure, x, y float64) {
				f.fillRect(x-legendMark/2, y-4, legendMark, 8, pale[i%len(pale)])
			}})
		}
	}
	return entries
}

// ring marks a retransmission.
func (f *Figure) ring(x, y float64) {
	var p path
	p.addCircle(x, y, 1.7)
	f.items = append(f.items, item{path: p, fill: rgb(0xffffff), stroke: ink, width: 0.7})
}

// cross marks a lost packet.
func (f *Figure) cross(x, y float64) {
	var p path
	p.addCross(x, y, 1.9)
	f.items = append(f.items, item{path: p, stroke: ink, width: 0.9})
}

// draw draws the sample and returns where it ends.
func (d *panel) draw(size float64, sizes []tick, labelled bool) (bottom float64) {
	f := d.f
	if d.p.has(func(s *Sample) bool { return s.Name != "" }) {
		d.top += labelSize + 1
		f.write(d.time.from, d.top-2, start, labelSize, d.sample.Name)
	}
	stems := d.top
	if d.p.has(func(s *Sample) bool { return len(s.Phases) > 0 }) {
		stems += stripHigh
	}
	if d.p.has(func(s *Sample) bool { return len(s.Marks) > 0 }) {
		stems += tickSize + 2
	}
	bottom = stems + panelHigh
	d.middle = stems + panelHigh/2
	d.drawPhases(d.top, bottom)

	const room = 4 // beyond the largest packet
	up := axis{high: size, from: d.middle, to: stems + room}
	down := axis{high: size, from: d.middle, to: bottom - room}
	for i, t := range sizes {
		text := t.text
		if !labelled {
			text = ""
		}
		f.sizeTick(d.time.from, up.place(t.value), text)
		if i > 0 {
			f.sizeTick(d.time.from, down.place(t.value), text)
		}
	}
	f.line(d.time.from, stems, d.time.from, bottom, hair, ink)
	f.line(d.time.from, d.middle, d.time.to, d.middle, hair, ink)
	d.drawStems(&up, &down)
	d.drawMarks(stems, bottom)
	where := Panel{
		Left: d.time.from, Right: d.time.to, From: d.start, To: d.end, Top: d.top, Bottom: bottom,
		Middle: d.middle, Up: up.to, Down: down.to, Size: int(size),
	}
	if d.p.has(func(s *Sample) bool { return len(s.Phases) > 0 }) {
		where.Phases = stripHigh
	}
	f.panels = append(f.panels, where)
	return bottom
}

// sizeTick draws a tick of the axis of sizes.
func (f *Figure) sizeTick(x, y float64, text string) {
	f.line(x-tickLong, y, x, y, hair, ink)
	if text != "" {
		f.write(x-tickLong-2, y+tickSize*0.35, end, tickSize, text)
	}
}

// place is where a time is.
func (d *panel) place(t time.Duration) float64 {
	return d.time.place(float64(t) / float64(d.unit))
}

// drawStems draws the packets, those of a colour together.
func (d *panel) drawStems(up, down *axis) {
	width := d.stemWidth()
	var rings, crosses []point
	for _, k := range d.keys {
		var stems path
		for i := range d.sample.Packets {
			one := &d.sample.Packets[i]
			if one.Time < d.start || one.Time > d.end || !k.has(one) {
				continue
			}
			scale := down
			if one.Up {
				scale = up
			}
			x, y := d.place(one.Time), scale.place(min(float64(one.Size), scale.high))
			d.f.spots = append(d.f.spots, Spot{X: x, Y: y, Series: d.index, Index: i})
			stems.addRect(x-width/2, min(y, d.middle), width, max(y, d.middle)-min(y, d.middle))
			if one.Lost {
				crosses = append(crosses, point{x, y})
			} else if one.Retransmission {
				rings = append(rings, point{x, y})
			}
		}
		if len(stems.steps) > 0 {
			d.f.items = append(d.f.items, item{path: stems, fill: k.color})
		}
	}
	for _, at := range rings {
		d.f.ring(at.x, at.y)
	}
	for _, at := range crosses {
		d.f.cross(at.x, at.y)
	}
}

// stemWidth is narrow enough for most packets to stand apart.
func (d *panel) stemWidth() float64 {
	n := 1
	for i := range d.p.Samples {
		n = max(n, len(d.p.Samples[i].Packets))
	}
	return min(1.5, max(0.4, 0.5*(d.time.to-d.time.from)/float64(n)))
}

// drawPhases draws the spans of the phases, with their numbers and, where there is room, names.
func (d *panel) drawPhases(top, bottom float64) {
	names := d.p.phaseNames()
	for _, one := range d.sample.Phases {
		if one.End < d.start || one.Start > d.end {
			continue
		}
		index := slices.Index(names, one.Name)
		c := pale[index%len(pale)]
		if d.p.Color == ColorByPhase {
			c = tint(strong[index%len(strong)], 0.35)
		}
		x0, x1 := d.place(max(one.Start, d.start)), d.place(min(one.End, d.end))
		x1 = max(x1, x0+0.75)
		d.f.fillRect(x0, top, x1-x0, stripHigh, c)
		d.f.fillRect(x0, top+stripHigh, x1-x0, bottom-top-stripHigh, tint(c, 0.45))
		for _, text := range []string{fmt.Sprintf("%d %s", index+1, one.Name), fmt.Sprint(index + 1)} {
			if textWidth(tickSize, text)+2 <= x1-x0 {
				d.f.write((x0+x1)/2, top+stripHigh-2, middle, tickSize, text)
				break
			}
		}
	}
}

// drawMarks draws the moments pointed out, above the stems.
func (d *panel) drawMarks(stems, bottom float64) {
	for _, m := range d.sample.Marks {
		if m.Time < d.start || m.Time > d.end {
			continue
		}
		x := d.place(m.Time)
		d.f.line(x, stems-1, x, bottom, 0.8, ink, 2, 1.5)
		at, dx := start, 2.
		if x+textWidth(tickSize, m.Text)+4 > d.time.to {
			at, dx = end, -2
		}
		d.f.write(x+dx, stems-2, at, tickSize, m.Text)
	}
}

// sideLabels names the directions and the unit of sizes, left of a row of samples.
func (f *Figure) sideLabels(p *Packets, y float64) {
	f.writeUp(4+labelSize, y, middle, labelSize, "size (bytes)")
	f.writeUp(6+2*labelSize, y-3, start, tickSize, shorten(p.Up, panelHigh/2))
	f.writeUp(6+2*labelSize, y+3, end, tickSize, shorten(p.Down, panelHigh/2))
}

// shorten cuts a text to a length.
func shorten(s string, length float64) string {
	if textWidth(tickSize, s) <= length {
		return s
	}
	letters := []rune(s)
	for len(letters) > 0 && textWidth(tickSize, string(letters)+"…") > length {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}
