package mirror

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"detgen/internal/whole"
)

// WriteFile writes the profile to the file at path, as JSON.
func (p *Profile) WriteFile(path string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return whole.WriteFile(path, append(text, '\n'))
}

// Save writes the profile to the file at path; without a path it prints it.
func (p *Profile) Save(out io.Writer, path string) error {
	if path == "" {
		return p.WriteText(out)
	}
	return p.WriteFile(path)
}

// WriteText prints a line for each service and each attack.
func (p *Profile) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "service\tflows\tshare\tpackets: mean (5 to 95 %)\tbytes\tseconds\tprograms")
	for _, s := range p.Services {
		var programs []string
		for _, c := range s.Servers {
			programs = append(programs, fmt.Sprintf("%s (%d)", c.Value, c.Flows))
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%s\t%s\t%s\t%s\n", cmp.Or(s.Service, "(unknown)"), s.Flows, 100*s.Share, span(s.Packets), span(s.Bytes), span(s.Duration), strings.Join(programs, ", "))
	}
	for _, a := range p.Attacks {
		fmt.Fprintf(w, "attack: %s\t%d\t%.1f %%\t%s\t%s\t%s\t\n", a.Label, a.Flows, 100*a.Share, span(a.Packets), span(a.Bytes), span(a.Duration))
	}
	return w.Flush()
}

// span prints a mean and where most values are.
func span(f Figures) string { return fmt.Sprintf("%.4g (%.4g to %.4g)", f.Mean, f.P5, f.P95) }

// WriteText prints a line for each service.
func (c *Comparison) WriteText(out io.Writer) error {
	fmt.Fprintf(out, "dataset %s, target %s\n", c.Dataset, c.Target)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "service\tdataset\ttarget\ttold apart (p)\tout of range\tfarthest features: KS, JS, decades")
	for _, s := range c.Services {
		told, far := "-", fmt.Sprintf("fewer than %d flows on a side", Fewest)
		if len(s.Features) > 0 {
			told = fmt.Sprintf("%.2f (%.2g)", s.TwoSample.Accuracy, s.TwoSample.P)
			var list []string
			for _, f := range s.Features[:min(3, len(s.Features))] {
				list = append(list, fmt.Sprintf("%s %.2f, %.2f, %.2f", f.Column, f.KS, f.JS, f.Wasserstein))
			}
			far = strings.Join(list, "; ")
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.1f %%\t%s\n", cmp.Or(s.Service, "(unknown)"), s.Dataset, s.Target, told, 100*s.OutOfRange, far)
	}
	return w.Flush()
}

// Save writes the plan to the file at path and prints what it comes to; without a path it prints the plan.
func (p *Planned) Save(out io.Writer, path string) error {
	if path == "" {
		_, err := out.Write(p.Text)
		return err
	}
	if err := whole.WriteFile(path, p.Text); err != nil {
		return err
	}
	return p.WriteText(out, path)
}

// WriteText prints what a plan comes to, and what it leaves out.
func (p *Planned) WriteText(out io.Writer, path string) error {
	fmt.Fprintf(out, "%s: %d entries, %d runs, with the services of %.2f %% of the benign flows\n", path, p.Entries, p.Runs, 100*p.Covered)
	if len(p.Missing) > 0 {
		fmt.Fprintln(out, "not mirrored:")
	}
	for _, m := range p.Missing {
		fmt.Fprintf(out, "  %s\n", m)
	}
	return nil
}
