package runner

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/lab/link"
	"detgen/record"
	"detgen/scenario"
	"detgen/twin"
)

// positions are the things that a sweep can go through, and the selectors of an intervention that name the n-th of
// them.
var positions = map[string]string{
	"each-data-segment": "data:%d",
	"each-frame":        "frame:%d",
}

// SweepActions are what a sweep can do to a frame.
var SweepActions = []string{"drop", "duplicate", "corrupt", "swap"}

// Sweep is runs of one spec and seed that differ in the position of one intervention.
type Sweep struct {
	Spec     *scenario.Spec
	Seed     uint64
	Action   string // one of SweepActions
	Position string // what it goes through: each-data-segment or each-frame
	On       string // the link: HOST.up or HOST.down; "" for the one that carries most data, and set then
	Parallel int    // runs at once
}

// Take takes what is to be done from what is asked for: a position for one of SweepActions, "" for the others.
func (s *Sweep) Take(asked map[string]*string) error {
	for action, position := range asked {
		switch {
		case *position == "":
		case s.Action != "":
			return request(errors.New("give one of --drop, --duplicate, --corrupt and --swap, not two"))
		default:
			s.Action, s.Position = action, *position
		}
	}
	if s.Action == "" {
		return request(errors.New("--drop each-data-segment (or --duplicate, --corrupt, --swap; or each-frame) is missing"))
	}
	return s.Check()
}

// Check finds what is wrong with a sweep.
func (s *Sweep) Check() error {
	if !slices.Contains(SweepActions, s.Action) {
		return request(fmt.Errorf("a sweep does one of %s, not %q", strings.Join(SweepActions, ", "), s.Action))
	}
	if positions[s.Position] == "" {
		return request(fmt.Errorf("--%s %q: must be each-data-segment or each-frame", s.Action, s.Position))
	}
	return nil
}

// SweepRow is one position: where its run parts from the one without an intervention.
type SweepRow struct {
	Position int
	Dir      string
	Failed   string // why the task did not do what it should
	Twin     *twin.Report
}

// String tells what the intervention did.
func (r SweepRow) String() string {
	switch {
	case r.Failed != "":
		return "the task failed: " + strings.ReplaceAll(r.Failed, "\n", "; ")
	case r.Twin.First == nil:
		return "no difference in structure"
	}
	return fmt.Sprintf("first part at %s: %s: %s", r.Twin.First.Host, r.Twin.First.What, r.Twin.First.Reason)
}

// Sweep makes out/baseline, out/001, out/002, ... and out/sweep.csv. The soft driver does the links: only it can choose
// frames.
func (r *Runner) Sweep(ctx context.Context, s *Sweep, out string, report func(Event)) ([]SweepRow, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	spec := *s.Spec
	spec.LinkDriver = link.Soft
	s.Spec = &spec
	run, err := r.Resolve(s.Spec, s.Seed)
	if err != nil {
		return nil, err
	}
	if err := r.Check(ctx, link.Soft); err != nil {
		return nil, err
	}
	staging, err := record.Create(out)
	if err != nil {
		return nil, request(err)
	}
	rows, err := r.fillSweep(ctx, s, run, staging.Dir(), report)
	if err != nil {
		return nil, errors.Join(err, staging.Discard())
	}
	return rows, staging.Publish()
}

func (r *Runner) fillSweep(ctx context.Context, s *Sweep, run *record.Run, dir string, report func(Event)) ([]SweepRow, error) {
	baseline := filepath.Join(dir, "baseline")
	stage := func(text string) { report(Event{Job: Job{Spec: s.Spec, Seed: s.Seed, Dir: baseline}, Stage: text}) }
	if _, err := r.Make(ctx, run, baseline, stage); err != nil {
		return nil, fmt.Errorf("the run without an intervention: %w", err)
	}
	counts, err := twin.CountPositions(baseline)
	if err != nil {
		return nil, err
	}
	n, err := s.choose(counts)
	if err != nil {
		return nil, err
	}
	rows := make([]SweepRow, n)
	jobs := make([]Job, n)
	for i := range rows {
		spec := *s.Spec
		setting := scenario.Setting{Key: "link." + s.On + ".frames", Value: s.Action + "=" + fmt.Sprintf(positions[s.Position], i+1)}
		if err := spec.Override(setting); err != nil {
			return nil, request(err)
		}
		rows[i] = SweepRow{Position: i + 1, Dir: fmt.Sprintf("%03d", i+1)}
		jobs[i] = Job{Spec: &spec, Seed: s.Seed, Dir: filepath.Join(dir, rows[i].Dir)}
	}
	made := map[string]*record.Record{}
	_, err = r.Run(ctx, Batch{Jobs: slices.Values(jobs), Count: n, Parallel: s.Parallel, Report: func(e Event) {
		if e.Ended && e.Made != nil {
			made[filepath.Base(e.Job.Dir)] = e.Made
		}
		report(e)
	}})
	if err != nil && (ctx.Err() != nil || len(made) < n) {
		return nil, err
	}
	for i := range rows {
		// A run that failed by the intervention (an echo that is lost does not come again) is a result too.
		rows[i].Failed = made[rows[i].Dir].Result.Error
		if rows[i].Twin, err = twin.Compare(baseline, filepath.Join(dir, rows[i].Dir)); err != nil {
			return nil, err
		}
	}
	return rows, s.write(filepath.Join(dir, "sweep.csv"), rows)
}

// choose gives the number of positions on the link of the sweep, choosing the link that carries most data when none was
// asked for.
func (s *Sweep) choose(counts []twin.Positions) (int, error) {
	if s.On == "" {
		best := 0
		for i, c := range counts {
			if c.DataBytes > counts[best].DataBytes {
				best = i
			}
		}
		if len(counts) == 0 || counts[best].DataSegments == 0 {
			return 0, errors.New("the task sends no TCP data; name the link with --on HOST.up and use each-frame")
		}
		s.On = counts[best].Host + ".up"
	}
	host, name, _ := strings.Cut(s.On, ".")
	direction, err := record.ParseDirection(name)
	if err != nil {
		return 0, request(fmt.Errorf("--on %q: must be HOST.up or HOST.down", s.On))
	}
	for _, c := range counts {
		if c.Host != host {
			continue
		}
		switch {
		case s.Position == "each-frame" && direction == record.Up:
			return c.FramesSent, nil
		case s.Position == "each-frame":
			return c.FramesReceived, nil
		case direction == record.Up:
			return c.DataSegments, nil
		}
		return c.DataSegmentsReceived, nil
	}
	return 0, request(fmt.Errorf("--on %q: no such host in this task", s.On))
}

// write writes a row for each position: its run, and where that first parts from the baseline.
func (s *Sweep) write(path string, rows []SweepRow) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Write([]string{"position", "run", "link", "action", "failed", "parts_at", "what", "reason", "after_ns"})
	for _, r := range rows {
		line := []string{strconv.Itoa(r.Position), r.Dir, s.On, s.Action, r.Failed, "", "", "", ""}
		if d := r.Twin.First; d != nil {
			line[5], line[6], line[7], line[8] = d.Host, d.What, d.Reason, strconv.FormatInt(int64(d.After()), 10)
		}
		w.Write(line)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return f.Close()
}

// WriteText tells what came of a sweep: a line for each position.
func (s *Sweep) WriteText(out io.Writer, rows []SweepRow, where string) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s  seed %d  %d runs, one for each of %s sent by link.%s  %s\n", s.Spec.Task, s.Seed, len(rows), strings.TrimPrefix(s.Position, "each-"), s.On, where)
	for _, r := range rows {
		fmt.Fprintf(&text, "  %3d  %s\n", r.Position, r)
	}
	_, err := io.WriteString(out, text.String())
	return err
}
