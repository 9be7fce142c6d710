package plot

import "time"

// Panel is where a packet figure draws one of its samples, for programs that show what is under the pointer. Lengths are
// those of the SVG's view box.
type Panel struct {
	Left, Right  float64       // the ends of the axis of time
	From, To     time.Duration // times at them
	Top, Bottom  float64       // of the phases' names and stems together
	Middle       float64       // where packets stand
	Up, Down     float64       // where packets of Size bytes end
	Size         int
	Phases       float64 // height of the strip with the phases' names; 0 without phases
	Labelled     bool    // times stand below it
	UnitDuration time.Duration
	Unit         string // of the times below
}

// Panels are the panels of a packet figure, one for each sample in their order. Other figures have none.
func (f *Figure) Panels() []Panel { return f.panels }

// Spot is where a figure draws one of its values, for programs that show what is under the pointer.
type Spot struct {
	X, Y       float64 // its middle, in the SVG's view box
	Wide, High float64 // of a bar; 0 for a point
	Series     int
	Index      int // of the value in its series; of figures of effects, the row
}

// Spots are the values of a figure, in the order in which they are given: those of each series, or of each row. A figure of steps
// has the outputs of the connection as series 0, one of packets its samples as series, one of boxes the boxes. A drawing of hosts has
// none.
func (f *Figure) Spots() []Spot { return f.spots }

// Size is the figure's width and height in points: the SVG's view box.
func (f *Figure) Size() (width, height float64) { return f.width, f.height }

// Colors are what the colours of the figure's stems mean: a name and an SVG colour for each, and of a packet the index of its
// colour, -1 for none.
func (p *Packets) Colors() (names, colors []string, of func(*Packet) int) {
	keys := p.keys()
	for _, k := range keys {
		names, colors = append(names, k.name), append(colors, hex(k.color))
	}
	return names, colors, func(one *Packet) int {
		for i := len(keys) - 1; i >= 0; i-- { // later ones are drawn over earlier ones
			if keys[i].has(one) {
				return i
			}
		}
		return -1
	}
}

// PhaseColors are the names of the figure's phases, in the order of their numbers, and an SVG colour for each.
func (p *Packets) PhaseColors() (names, colors []string) {
	names = p.phaseNames()
	for i := range names {
		c := pale[i%len(pale)]
		if p.Color == ColorByPhase {
			c = tint(strong[i%len(strong)], 0.35)
		}
		colors = append(colors, hex(c))
	}
	return names, colors
}
