package mirror

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"

	"detgen/plot"
)

// quantityNames are those of a flow that the figure shows.
var quantityNames = [...]string{"packets", "bytes", "seconds"}

const (
	mostShown    = 1000 // values of a box
	mostServices = 12   // that the figure shows
)

// thin gives so many values that a figure has dots for, at even distances in their order; the least and the most stay.
func thin(v []float64) []float64 {
	slices.Sort(v)
	if len(v) <= mostShown {
		return v
	}
	kept := make([]float64, mostShown)
	for i := range kept {
		kept[i] = v[i*(len(v)-1)/(mostShown-1)]
	}
	return kept
}

// Figure shows packets, bytes and seconds of the flows of each service: a box for the dataset beside one for the
// target. The services of the target with most flows are there, and those that only the dataset has.
func (c *Comparison) Figure() (*plot.Figure, error) {
	var figures []*plot.Figure
	for i, name := range quantityNames {
		b := plot.Boxes{Label: name + " of a flow", Series: []string{"dataset", "target"}, Panels: []plot.BoxPanel{{}}}
		if i == 0 {
			b.Title = fmt.Sprintf("%s, and the target %s", filepath.Base(c.Dataset), filepath.Base(c.Target))
		}
		for _, s := range c.Services {
			if values := s.shown[i]; len(values[0])+len(values[1]) > 0 && len(b.Panels[0].Groups) < mostServices {
				b.Panels[0].Groups = append(b.Panels[0].Groups, plot.BoxGroup{Name: cmp.Or(s.Service, "(unknown)"), Values: values[:]})
			}
		}
		if len(b.Panels[0].Groups) == 0 {
			continue // a table without this quantity
		}
		f, err := b.Draw()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		figures = append(figures, f)
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("the tables have neither packets nor bytes nor durations of flows to draw")
	}
	return plot.Below(figures...), nil
}
