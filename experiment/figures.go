package experiment

import (
	"fmt"
	"path/filepath"
	"slices"

	"detgen/packet"
	"detgen/plot"
	"detgen/similarity"
)

// aligned is how many samples the figures of packet sequences show of each engine.
const aligned = 3

// writeFigures draws dissimilarity (the paper's Fig. 6) and, for each type, samples of its first configuration
// side by side (Fig. 7), as SVG and PNG.
func (r *Result) writeFigures(dir string) error {
	if err := drawBoth(dir, "dissimilarity", r.boxes().Draw); err != nil {
		return err
	}
	for _, t := range r.Types {
		for _, c := range t.Configurations {
			if !slices.ContainsFunc(c.Engines, func(e *EngineResult) bool { return len(e.samples) > 0 }) {
				continue // the table says so
			}
			if err := drawBoth(dir, fmt.Sprintf("sequences-%s-%s", folder(t.Name), folder(c.Name)), c.sequences(t.Name).Draw); err != nil {
				return err
			}
		}
	}
	return nil
}

// drawBoth writes a figure in both formats.
func drawBoth(dir, name string, draw func() (*plot.Figure, error)) error {
	figure, err := draw()
	if err != nil {
		return fmt.Errorf("figure %s: %w", name, err)
	}
	for _, extension := range []string{".svg", ".png"} {
		if err := figure.WriteFile(filepath.Join(dir, name+extension)); err != nil {
			return err
		}
	}
	return nil
}

// boxes is the figure of all scores, normalised.
func (r *Result) boxes() *plot.Boxes {
	b := &plot.Boxes{Label: "dissimilarity, % of the type's maximum", Reference: 1, ReferenceName: "1 %"}
	for _, m := range similarity.Metrics[:similarity.PaperMetrics] {
		panel := plot.BoxPanel{Name: m.Title}
		for _, t := range r.Types {
			group := plot.BoxGroup{Name: t.Name}
			for _, e := range t.Engines {
				var values []float64
				for i := range e.scores {
					values = append(values, 100*t.share(m, m.Of(&e.scores[i])))
				}
				group.Values = append(group.Values, values)
			}
			panel.Groups = append(panel.Groups, group)
		}
		b.Panels = append(b.Panels, panel)
	}
	for _, e := range r.Types[0].Engines {
		b.Series = append(b.Series, e.Engine)
	}
	return b
}

// sequences is the figure of the first samples of each engine, a row an engine.
func (c *ConfigurationResult) sequences(kind string) *plot.Packets {
	p := &plot.Packets{Title: fmt.Sprintf("%s %s: %s", kind, c.Name, c.Activity), Up: "to the server", Down: "to the client"}
	for _, e := range c.Engines {
		n := min(aligned, len(e.samples))
		p.Columns = max(p.Columns, n)
		for i, s := range e.samples[:n] {
			p.Samples = append(p.Samples, stems(s, fmt.Sprintf("%s, run %d", e.Engine, i+1)))
		}
	}
	return p
}

// stems gives a sample for a figure.
func stems(s *similarity.Sample, name string) plot.Sample {
	drawn := plot.Sample{Name: name}
	for _, p := range s.Packets {
		drawn.Packets = append(drawn.Packets, plot.Packet{
			Time: p.Time, Size: p.Size, Up: p.Up, TCP: p.Protocol == packet.ProtocolTCP, Flags: uint8(p.Flags),
		})
	}
	return drawn
}
