package check

import (
	"fmt"
	"io"

	"detgen/internal/plain"
)

// WriteText prints what the model is and a line for each finding.
func (r *Report) WriteText(to io.Writer) error {
	out := plain.Writer(to)
	m := &r.Model
	what := fmt.Sprintf("%d columns", len(m.Columns))
	switch {
	case m.Recipe != "":
		what = "recipe " + m.Recipe
	case m.Mode != "":
		what += ", mode " + m.Mode
	}
	_, err := fmt.Fprintf(out, "model     %s (%s, %s)\n", m.Name, m.Kind, what)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "dataset   %s: %d items, %d of them attacks; %d connections make none\n", r.Dataset, r.Items, r.Attacks, r.Skipped)
	fmt.Fprintf(out, "scores    %.4g to %.4g", r.Lowest, r.Highest)
	if r.AUC != nil {
		fmt.Fprintf(out, ", AUC %.4f", *r.AUC)
	}
	fmt.Fprintln(out)
	for _, f := range r.Findings {
		item := ""
		if f.Item != "" {
			item = " [" + f.Item + "]"
		}
		if _, err := fmt.Fprintf(out, "%-9s %s: %s%s\n", f.Severity, f.Check, f.Message, item); err != nil {
			return err
		}
	}
	if len(r.Findings) == 0 {
		_, err = fmt.Fprintln(out, "nothing wrong was found")
	}
	return err
}
