package plot

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"slices"
)

// Hosts is a drawing of a lab: a bar for each network, and below the bars a box for each host with a line to each of its
// networks.
type Hosts struct {
	Title    string
	Networks []string // with what stands on their bars: "net 10.1.2.0/24"
	Hosts    []HostBox
}

// HostBox is one host.
type HostBox struct {
	Name     string
	Lines    []string // below the name
	Networks []int    // indexes into Hosts.Networks
	Links    []string // what stands on the line to each of them; "" for nothing
}

// Draw makes the figure. It fails when there is no host, or a host is on a network that is not there.
func (h *Hosts) Draw() (*Figure, error) {
	if len(h.Hosts) == 0 {
		return nil, errors.New("draw hosts: there is no host")
	}
	f := &Figure{width: pageWidth, title: cmp.Or(h.Title, "hosts and networks")}
	const bar, barGap, gap, line = 13, 6, hostGap, 9
	columns := min(len(h.Hosts), 6)
	wide := (f.width - 8 - gap*float64(columns-1)) / float64(columns)
	y := 4.
	place := make([]float64, len(h.Networks))
	colors := make([]color.NRGBA, len(h.Networks))
	for i, name := range h.Networks {
		place[i], colors[i] = y, strong[i%len(strong)]
		f.fillRect(4, y, f.width-8, bar, pale[i%len(pale)])
		f.write(8, y+bar-4, start, tickSize, name)
		y += bar + barGap
	}
	links := 0
	for i := range h.Hosts {
		links = max(links, len(h.Hosts[i].Networks))
	}
	first := y
	for row := range slices.Chunk(h.Hosts, columns) {
		y += 14 + 9*float64(links)
		tall := 0.
		for i := range row {
			tall = max(tall, float64(1+len(row[i].Lines))*line+8)
		}
		for i := range row {
			x := 4 + float64(i)*(wide+gap)
			if err := h.box(f, &row[i], place, colors, x, y, wide, tall, y > first+14+9*float64(links)); err != nil {
				return nil, err
			}
		}
		y += tall
	}
	f.height = y + 5
	return f, nil
}

// hostGap is the room between hosts, which the text of a link may use.
const hostGap = 10

// box draws one host and its lines, which go beside the hosts above it where there are some.
func (h *Hosts) box(f *Figure, b *HostBox, place []float64, colors []color.NRGBA, x, y, wide, tall float64, below bool) error {
	for i, n := range b.Networks {
		if n < 0 || n >= len(place) {
			return fmt.Errorf("draw hosts: %s is on network %d, but there are %d", b.Name, n, len(place))
		}
		at := x + wide*float64(i+1)/float64(len(b.Networks)+1)
		if below {
			beside, turn := max(1, x-3-2*float64(i)), y-4-3*float64(i)
			f.line(beside, place[n]+13, beside, turn, 1, colors[n])
			f.line(beside, turn, at, turn, 1, colors[n])
			f.line(at, turn, at, y, 1, colors[n])
		} else {
			f.line(at, place[n]+13, at, y, 1, colors[n])
		}
		if i < len(b.Links) && b.Links[i] != "" {
			f.write(at+3, y-4-9*float64(len(b.Networks)-1-i), start, tickSize, shorten(b.Links[i], x+wide+hostGap-2-at-3))
		}
	}
	var p path
	p.addRect(x, y, wide, tall)
	f.items = append(f.items, item{path: p, fill: rgb(0xffffff), stroke: ink, width: 0.8})
	f.writeBold(x+wide/2, y+labelSize+3, middle, labelSize, shorten(b.Name, wide-6))
	for i, text := range b.Lines {
		f.write(x+wide/2, y+labelSize+3+float64(i+1)*9, middle, tickSize, shorten(text, wide-6))
	}
	return nil
}
