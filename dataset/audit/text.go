package audit

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText prints a line for each label and each finding.
func (r *Report) WriteText(out io.Writer) error {
	fmt.Fprintf(out, "%s: %d flows, %d columns, %d labels (%d flows compared with each other)\n\n", r.Name, r.Flows, r.Columns, len(r.Classes), r.Sampled)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "label\tflows\tPDD\tTC\tbest feature\tF1\tlabel noise\tbackground\trepeated\tretransmitted")
	for _, c := range r.Classes {
		again := "-"
		if c.Retransmits >= 0 {
			again = fmt.Sprintf("%.2f %%", 100*c.Retransmits)
		}
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%s\t%.2f\t%.2f %%\t%.2f %%\t%.2f %%\t%s\n", cmp.Or(c.Label, "(none)"), c.Flows, c.Diversity, c.Collapse,
			c.BestFeature, c.BestF1, 100*c.Noise, 100*c.Background, 100*c.Repeated, again)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, f := range r.Findings {
		about := strings.Trim(f.Class+", "+f.Column, ", ")
		line := fmt.Sprintf("%s: %s", f.Severity, f.Check)
		if about != "" {
			line += " (" + about + ")"
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", line, f.Message); err != nil {
			return err
		}
		for _, run := range f.Runs {
			fmt.Fprintf(out, "    run %s\n", run)
		}
	}
	return nil
}
