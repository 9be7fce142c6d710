package plot

import "math"

// path is a sequence of lines and curves.
type path struct{ steps []step }

// step goes to the last of its points: a move ('M'), a line ('L'), a quadratic ('Q') or cubic ('C') curve, or
// back to the start ('Z').
type step struct {
	op     byte
	points [3]point
}

type point struct{ x, y float64 }

func (p *path) move(x, y float64) { p.steps = append(p.steps, step{'M', [3]point{{x, y}}}) }
func (p *path) line(x, y float64) { p.steps = append(p.steps, step{'L', [3]point{{x, y}}}) }
func (p *path) close()            { p.steps = append(p.steps, step{op: 'Z'}) }

func (p *path) cubic(x1, y1, x2, y2, x, y float64) {
	p.steps = append(p.steps, step{'C', [3]point{{x1, y1}, {x2, y2}, {x, y}}})
}

// count is how many points a step has.
func (s step) count() int {
	switch s.op {
	case 'M', 'L':
		return 1
	case 'Q':
		return 2
	case 'C':
		return 3
	}
	return 0
}

// rect is a closed rectangle.
func rect(x, y, w, h float64) path {
	var p path
	p.addRect(x, y, w, h)
	return p
}

// addRect adds a rectangle, clockwise on the page.
func (p *path) addRect(x, y, w, h float64) {
	p.move(x, y)
	p.line(x+w, y)
	p.line(x+w, y+h)
	p.line(x, y+h)
	p.close()
}

// addCircle adds a circle, clockwise on the page.
func (p *path) addCircle(x, y, r float64) {
	const k = 0.5522847498 // control points of a quarter circle
	p.move(x+r, y)
	p.cubic(x+r, y+k*r, x+k*r, y+r, x, y+r)
	p.cubic(x-k*r, y+r, x-r, y+k*r, x-r, y)
	p.cubic(x-r, y-k*r, x-k*r, y-r, x, y-r)
	p.cubic(x+k*r, y-r, x+r, y-k*r, x+r, y)
	p.close()
}

// addCross adds the two strokes of a cross.
func (p *path) addCross(x, y, r float64) {
	p.move(x-r, y-r)
	p.line(x+r, y+r)
	p.move(x-r, y+r)
	p.line(x+r, y-r)
}

// addDiamond adds a square on its corner.
func (p *path) addDiamond(x, y, r float64) {
	p.move(x, y-r)
	p.line(x+r, y)
	p.line(x, y+r)
	p.line(x-r, y)
	p.close()
}

// chains are the path's corners, chain by chain; curves are cut into short lines.
func (p *path) chains() [][]point {
	var all [][]point
	var chain []point
	for _, s := range p.steps {
		switch s.op {
		case 'M':
			if len(chain) > 1 {
				all = append(all, chain)
			}
			chain = []point{s.points[0]}
		case 'L':
			chain = append(chain, s.points[0])
		case 'C':
			from := chain[len(chain)-1]
			for i := 1; i <= 8; i++ {
				t := float64(i) / 8
				u := 1 - t
				a, b, c, d := u*u*u, 3*u*u*t, 3*u*t*t, t*t*t
				chain = append(chain, point{
					a*from.x + b*s.points[0].x + c*s.points[1].x + d*s.points[2].x,
					a*from.y + b*s.points[0].y + c*s.points[1].y + d*s.points[2].y,
				})
			}
		case 'Z':
			chain = append(chain, chain[0])
			all = append(all, chain)
			chain = nil
		}
	}
	if len(chain) > 1 {
		all = append(all, chain)
	}
	return all
}

// outline is the area that a stroke of the path covers, as polygons of one direction. Ends are cut off
// square; corners are round.
func (p *path) outline(width float64, dash []float64) path {
	var out path
	for _, chain := range p.chains() {
		if dash == nil {
			out.addStroke(chain, width)
			continue
		}
		for _, piece := range dashed(chain, dash) {
			out.addStroke(piece, width)
		}
	}
	return out
}

// addStroke adds the stroke of a chain.
func (p *path) addStroke(chain []point, width float64) {
	half := width / 2
	for i := 1; i < len(chain); i++ {
		a, b := chain[i-1], chain[i]
		length := math.Hypot(b.x-a.x, b.y-a.y)
		if length == 0 {
			continue
		}
		nx, ny := (b.y-a.y)/length*half, -(b.x-a.x)/length*half
		p.move(a.x+nx, a.y+ny)
		p.line(b.x+nx, b.y+ny)
		p.line(b.x-nx, b.y-ny)
		p.line(a.x-nx, a.y-ny)
		p.close()
		next, ok := after(chain, i)
		if !ok {
			continue
		}
		cross := (b.x-a.x)*(next.y-b.y) - (b.y-a.y)*(next.x-b.x)
		along := (b.x-a.x)*(next.x-b.x) + (b.y-a.y)*(next.y-b.y)
		if along <= 0 || math.Abs(cross) > 0.1*along { // a circle on a straight line would darken its edges
			p.addCircle(b.x, b.y, half)
		}
	}
}

// after is the corner that follows corner i of a chain, round its end when it is closed.
func after(chain []point, i int) (point, bool) {
	switch {
	case i+1 < len(chain):
		return chain[i+1], true
	case chain[0] == chain[len(chain)-1]:
		return chain[1], true
	}
	return point{}, false
}

// dashed cuts a chain into pieces of the lengths on and off in turn.
func dashed(chain []point, dash []float64) [][]point {
	var pieces [][]point
	at, left := 0, dash[0]
	piece := []point{chain[0]}
	for i := 1; i < len(chain); i++ {
		a, b := chain[i-1], chain[i]
		for {
			length := math.Hypot(b.x-a.x, b.y-a.y)
			if length <= left {
				left -= length
				if at%2 == 0 {
					piece = append(piece, b)
				}
				break
			}
			cut := point{a.x + (b.x-a.x)*left/length, a.y + (b.y-a.y)*left/length}
			if at%2 == 0 {
				pieces = append(pieces, append(piece, cut))
			}
			piece = []point{cut}
			a = cut
			at++
			left = dash[at%len(dash)]
		}
	}
	if at%2 == 0 && len(piece) > 1 {
		pieces = append(pieces, piece)
	}
	return pieces
}
