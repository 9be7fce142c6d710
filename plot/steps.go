package plot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// Steps is a figure of what a model says while it looks at a connection (Fig. 3 of the paper): above, the packets as
// bars, upwards in one direction and downwards in the other, with the phases coloured behind them and stretches of
// retransmissions shaded; below, the output after each step, with that of the twin at the same bytes of the application.
type Steps struct {
	Title    string
	Up, Down string // what the directions are
	Name     string // of the connection
	TwinName string
	Packets  []StepPacket
	Twin     []StepPoint // the twin's output, by steps of this connection
	Spans    []StepSpan  // phases
	Shaded   []StepSpan  // episodes of retransmissions
	Label    string      // of the output
	Level    *float64    // threshold, drawn dashed
	First    int         // step of the first divergence, from 0; -1: none
}

// StepPacket is a packet and the output after it.
type StepPacket struct {
	Size   int
	Up     bool
	Again  bool // sent again
	Output float64
}

// StepPoint is a value at a step, which may lie between two.
type StepPoint struct{ Step, Output float64 }

// StepSpan is a stretch of steps: from From up to, without, To.
type StepSpan struct {
	Name     string
	From, To int
}

// Draw makes the figure.
func (s *Steps) Draw() (*Figure, error) {
	if len(s.Packets) == 0 {
		return nil, errors.New("draw steps: there is no packet")
	}
	low, high, largest := math.Inf(1), math.Inf(-1), 1
	for i, p := range s.Packets {
		if math.IsNaN(p.Output) || math.IsInf(p.Output, 0) {
			return nil, fmt.Errorf("draw steps: the output at step %d is %v", i+1, p.Output)
		}
		low, high, largest = min(low, p.Output), max(high, p.Output), max(largest, p.Size)
	}
	for _, p := range s.Twin {
		low, high = min(low, p.Output), max(high, p.Output)
	}
	if low >= 0 && high <= 1 {
		low, high = 0, 1
	}
	if low == high {
		low, high = low-0.5, high+0.5
	}
	f := &Figure{width: pageWidth, title: cmp.Or(s.Title, s.Label)}
	y := f.head(s.Title, s.legend()) + 4
	const tall, below = 110., 90.
	sizes, outputs := linearTicks(0, float64(largest), 3), linearTicks(low, high, 4)
	left := 4 + 2*labelSize + 6 + max(widest(sizes), widest(outputs)) + tickLong + 2
	n := float64(len(s.Packets))
	x := axis{low: 0, high: n, from: left, to: f.width - 8}
	y += stripHigh
	top, middleY, bottom := y, y+tall/2, y+tall
	outTop := bottom + 10
	for i, span := range s.Spans {
		from, to := x.place(float64(span.From)), x.place(float64(span.To))
		f.fillRect(from, top, to-from, outTop+below-top, pale[i%len(pale)])
		if textWidth(tickSize, span.Name) < to-from {
			f.write((from+to)/2, top-2, middle, tickSize, span.Name)
		}
	}
	for _, span := range s.Shaded {
		from, to := x.place(float64(span.From)), x.place(float64(span.To))
		c := strong[1]
		c.A = 60
		f.fillRect(from, top, to-from, outTop+below-top, c)
	}
	wide := min((x.to-x.from)/n*0.8, 6)
	f.line(x.from, middleY, x.to, middleY, hair, ink)
	for i, p := range s.Packets {
		high := max(float64(p.Size)/float64(largest)*tall/2, 0.8)
		c, at := strong[0], middleY-high
		if !p.Up {
			c, at = strong[2], middleY
		}
		if p.Again {
			c = strong[1]
		}
		f.fillRect(x.place(float64(i)+0.5)-wide/2, at, wide, high, c)
	}
	up, down := axis{low: 0, high: float64(largest), from: middleY, to: top}, axis{low: 0, high: float64(largest), from: middleY, to: bottom}
	f.upright(&up, sizes, left)
	f.upright(&down, sizes[1:], left)
	f.writeUp(4+labelSize, (top+middleY)/2, middle, tickSize, s.Up)
	f.writeUp(4+labelSize, (bottom+middleY)/2, middle, tickSize, s.Down)
	f.writeUp(4+2*labelSize+2, middleY, middle, tickSize, "payload (bytes)")
	out := axis{low: low, high: high, from: outTop + below, to: outTop}
	f.upright(&out, outputs, left)
	f.writeUp(4+labelSize, outTop+below/2, middle, labelSize, s.Label)
	if s.Level != nil && *s.Level >= low && *s.Level <= high {
		f.line(x.from, out.place(*s.Level), x.to, out.place(*s.Level), hair, grey, 3, 2)
	}
	if s.First >= 0 {
		f.line(x.place(float64(s.First)+0.5), outTop, x.place(float64(s.First)+0.5), outTop+below, 0.8, ink, 1.5, 1.5)
	}
	var own, twin path
	for i, p := range s.Packets {
		f.spots = append(f.spots, Spot{X: x.place(float64(i) + 0.5), Y: out.place(p.Output), Index: i})
		if i == 0 {
			own.move(x.place(0.5), out.place(p.Output))
			continue
		}
		own.line(x.place(float64(i)+0.5), out.place(p.Output))
	}
	for i, p := range s.Twin {
		if i == 0 {
			twin.move(x.place(p.Step+0.5), out.place(p.Output))
			continue
		}
		twin.line(x.place(p.Step+0.5), out.place(p.Output))
	}
	f.items = append(f.items, item{path: own, stroke: ink, width: 1.2})
	if len(s.Twin) > 1 {
		f.items = append(f.items, item{path: twin, stroke: rgb(0xcc0000), width: 1.2, dash: []float64{4, 1.5}})
	}
	ticks := linearTicks(0, n, 8)
	f.across(&x, ticks, outTop+below)
	y = outTop + below + tickLong + tickSize + labelSize + 3
	f.write((x.from+x.to)/2, y, middle, labelSize, "packet of the connection")
	f.height = y + 6
	f.meaning = meaning{[]string{"packet", "payload (bytes)", "direction", "sent again", s.Label}, func(at Spot) []string {
		p := s.Packets[at.Index]
		return []string{fmt.Sprint(at.Index + 1), fmt.Sprint(p.Size), direction(p.Up, s.Up, s.Down), yes(p.Again), value(p.Output)}
	}}
	return f, nil
}

func (s *Steps) legend() []entry {
	line := func(name string, draw func(f *Figure, x, y float64)) entry { return entry{name, draw} }
	list := []entry{line("output, "+s.Name, func(f *Figure, x, y float64) { f.line(x-legendMark/2, y, x+legendMark/2, y, 1.2, ink) })}
	if len(s.Twin) > 1 {
		list = append(list, line("output, "+s.TwinName, func(f *Figure, x, y float64) {
			f.line(x-legendMark/2, y, x+legendMark/2, y, 1.2, rgb(0xcc0000), 4, 1.5)
		}))
	}
	box := func(name string, index int, alpha uint8) entry {
		return line(name, func(f *Figure, x, y float64) {
			c := strong[index]
			c.A = alpha
			f.fillRect(x-3, y-3, 6, 6, c)
		})
	}
	list = append(list, box(s.Up, 0, 255), box(s.Down, 2, 255))
	if len(s.Shaded) > 0 {
		list = append(list, box("sent again", 1, 255), box("retransmission episode", 1, 60))
	}
	if s.First >= 0 {
		list = append(list, line("outputs part", func(f *Figure, x, y float64) { f.line(x, y-4, x, y+4, 0.8, ink, 1.5, 1.5) }))
	}
	return list
}
