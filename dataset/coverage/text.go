package coverage

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText prints a line for each service, and the share of all.
func (r *Report) WriteText(out io.Writer) error {
	if r.Flows == 0 {
		return fmt.Errorf("%s: no benign flow; with --attacks attacks count too", r.Name)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "service\tflows\tshare\tby dissection\tpackets\tscenarios\n")
	for _, s := range r.Shares {
		name := s.Service
		if name == "" {
			name = "(unknown)"
		}
		fmt.Fprintf(w, "%s\t%d\t%.1f %%\t%d\t%.0f\t%s\n", name, s.Flows, 100*float64(s.Flows)/float64(r.Flows), s.Dissected, s.Packets, strings.Join(s.Scenarios, " "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d flows (%.1f %%) are of services that a scenario makes\n", r.Covered, r.Flows, 100*float64(r.Covered)/float64(r.Flows))
	return err
}
