package similarity

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// fewConnections is below how many the scales say little.
const fewConnections = 10

// WriteText prints the mean of each measure, within the groups and between them.
func (g *Groups) WriteText(out io.Writer, o Options) error {
	type column struct {
		name  string
		pairs *Pairs
	}
	var columns []column
	for _, c := range []column{{"within A", &g.WithinA}, {"within B", &g.WithinB}, {"between", &g.Between}} {
		if c.pairs.Pairs > 0 {
			columns = append(columns, c)
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cell func(*Pairs) string, last string) {
		fmt.Fprintf(w, "%s\t", name)
		for _, c := range columns {
			fmt.Fprintf(w, "%s\t", cell(c.pairs))
		}
		fmt.Fprintf(w, "%s\t\n", last)
	}
	fmt.Fprint(w, "mean\t")
	for _, c := range columns {
		fmt.Fprintf(w, "%s\t", c.name)
	}
	fmt.Fprint(w, "AUC\t\n")
	for _, m := range Metrics {
		auc := "-"
		if a, ok := g.AUC[m.Name]; ok {
			auc = fmt.Sprintf("%.3f", a)
		}
		row(m.Title, func(p *Pairs) string { return fmt.Sprintf("%.4g", p.Metrics[m.Name].Mean) }, auc)
	}
	row("KS test passed", func(p *Pairs) string { return fmt.Sprintf("%d of %d", p.KSPass, p.Pairs) }, "")
	row("same bytes", func(p *Pairs) string { return fmt.Sprintf("%d of %d", p.Identical, p.Pairs) }, "")
	if err := w.Flush(); err != nil {
		return err
	}
	if g.Reference < fewConnections && o.Scale != Raw {
		fmt.Fprintf(out, "The scales come from %d connections: small differences look large. Add captures of the same kind with --reference.\n", g.Reference)
	}
	return nil
}
