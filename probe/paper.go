package probe

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"detgen/model"
	"detgen/plot"
)

// PaperProbing is what section 2 of the paper reports.
var PaperProbing = struct {
	AUC, Detection, FalsePositive [2]float64 // before and after the correction
	Scenario, Requests, Latency   float64    // correlations with the error
}{
	[2]float64{0.981, 0.997}, [2]float64{0.96, 0.991}, [2]float64{0.027, 0.00345}, 0.19, 0.11, 0.12,
}

// PaperReport is section 2 of the paper again, with a model and a dataset of one's own.
type PaperReport struct {
	Probe   *Report        `json:"probe"`   // steps 1 and 2
	Sweep   *SweepReport   `json:"sweep"`   // step 3
	Twin    *TwinReport    `json:"twin"`    // step 4; nil without twins
	Correct *CorrectReport `json:"correct"` // step 5
}

// PaperOptions choose what stands for the paper's parts.
type PaperOptions struct {
	CorrectOptions          // Band is the latency
	Twins          string   // folder of twins; "" for none
	Placebo        []string // folders of their placebos
}

// Paper does steps 1 to 5 of the paper's section 2. Nothing is tuned to match: what comes out is reported.
func Paper(ctx context.Context, path string, m model.Model, o PaperOptions) (*PaperReport, error) {
	if m.Describe().Kind != model.Packets {
		return nil, request("model %s looks at items of kind %s: the paper's steps 4 and 5 take one of kind %s", m.Describe().Name, m.Describe().Kind, model.Packets)
	}
	r := &PaperReport{}
	var err error
	if r.Probe, err = Run(ctx, path, m, o.Options); err != nil {
		return nil, err
	}
	if r.Sweep, err = Sweep(ctx, path, m, SweepOptions{Options: o.Options, By: []string{o.Band}}); err != nil {
		return nil, fmt.Errorf("step 3: %w", err)
	}
	if o.Twins != "" {
		if r.Twin, err = Twin(ctx, o.Twins, m, TwinOptions{Placebo: o.Placebo, Threshold: &r.Probe.Performance.Operating.Threshold}); err != nil {
			return nil, fmt.Errorf("step 4: %w", err)
		}
	}
	if r.Correct, err = Correct(ctx, path, m, o.CorrectOptions); err != nil {
		return nil, fmt.Errorf("step 5: %w", err)
	}
	return r, nil
}

// Write writes each step's tables and figures into a folder of its own, and paper.json with all.
func (r *PaperReport) Write(dir string) error {
	f, err := newFolder(dir)
	if err != nil {
		return err
	}
	f.json("paper.json", r)
	r.Probe.fill(f)
	f.figure("fig2.svg", r.Correct.drawFig2)
	f.figure("curves.svg", r.Sweep.drawCurves)
	f.figure("arms.svg", r.Correct.drawArms)
	if r.Twin != nil {
		f.figure("fig3.svg", func() (*plot.Figure, error) { return r.Twin.Draw() })
	}
	if err := f.write("table.txt", r.WriteTable); err != nil {
		f.err = err
	}
	return f.close()
}

// WriteTable prints the before/after table beside the paper's.
func (r *PaperReport) WriteTable(out io.Writer) error {
	var b strings.Builder
	p := PaperProbing
	fmt.Fprintf(&b, "%-34s %10s %10s %14s\n", "", "AUC", "detection", "false positives")
	row := func(name string, auc, detection, wrong float64) {
		fmt.Fprintf(&b, "%-34s %10.4f %9.2f %% %13.3f %%\n", name, auc, 100*detection, 100*wrong)
	}
	row("the paper, before", p.AUC[0], p.Detection[0], p.FalsePositive[0])
	row("the paper, after", p.AUC[1], p.Detection[1], p.FalsePositive[1])
	for _, a := range r.Correct.Arms {
		row(a.Arm+" "+a.What, a.Area.AUC, a.Operating.Detection.Share, a.Operating.FalsePositive.Share)
	}
	fmt.Fprintf(&b, "\ncorrelation with the error: the paper has %.2f (one scenario of SQL injection), %.2f (several GETs), %.2f (latency, all activities)\n", p.Scenario, p.Requests, p.Latency)
	for _, l := range r.Probe.Labels.Ranked[:min(len(r.Probe.Labels.Ranked), 8)] {
		fmt.Fprintf(&b, "  %-40s %+.3f (%+.3f to %+.3f), p %.4f", l.Label, l.R, l.Interval.Low, l.Interval.High, l.P)
		if l.Within != nil {
			fmt.Fprintf(&b, "; within activities %+.3f, p %.4f", l.Within.R, l.WithinP)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// WriteText prints all steps.
func (r *PaperReport) WriteText(out io.Writer, dir string) error {
	if err := r.WriteTable(out); err != nil {
		return err
	}
	parts := []Result{r.Sweep, r.Correct}
	if r.Twin != nil {
		parts = []Result{r.Sweep, r.Twin, r.Correct}
	}
	for _, part := range parts {
		if _, err := io.WriteString(out, "\n"); err != nil {
			return err
		}
		if err := part.WriteText(out, ""); err != nil {
			return err
		}
	}
	if dir != "" {
		_, err := fmt.Fprintf(out, "\n%s has all of it, with figures\n", filepath.Join(dir, "paper.json"))
		return err
	}
	return nil
}
