package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"detgen/record"
	"detgen/scenario"
	"detgen/twin"

	"github.com/spf13/cobra"
)

// positions are the things that a sweep can go through, and the selectors of an intervention
// that name the n-th of them.
var positions = map[string]string{
	"each-data-segment": "data:%d",
	"each-frame":        "frame:%d",
}

// newSweep is "detgen sweep": one run for each position of a lost, doubled, damaged or swapped
// packet, with the reaction of real stacks.
func newSweep() *cobra.Command {
	var what specFlags
	var with makerFlags
	var on, out string
	var jobs int
	actions := map[string]*string{"drop": new(string), "duplicate": new(string), "corrupt": new(string), "swap": new(string)}
	cmd := &cobra.Command{
		Use:   "sweep SCENARIO/TASK --drop each-data-segment -o DIR",
		Short: "Make one run for each position of a lost (doubled, damaged, swapped) packet",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := what.spec(cmd, args)
			if err != nil {
				return err
			}
			s := &sweep{spec: spec, on: on}
			for action, position := range actions {
				if *position == "" {
					continue
				}
				if s.action != "" {
					return badRequest(fmt.Errorf("give one of --drop, --duplicate, --corrupt and --swap, not two"))
				}
				if positions[*position] == "" {
					return badRequest(fmt.Errorf("--%s %q: must be each-data-segment or each-frame", action, *position))
				}
				s.action, s.position = action, *position
			}
			if s.action == "" {
				return badRequest(errors.New("--drop each-data-segment (or --duplicate, --corrupt, --swap; or each-frame) is missing"))
			}
			spec.LinkDriver = "soft" // only it can choose frames
			m, err := with.open(slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer m.close()
			if out == "" {
				out = freeName("sweep-" + runName(spec.Task, *spec.Seed))
			}
			s.batch = &batch{maker: m, progress: newProgress(cmd.ErrOrStderr()), print: func(entry) {}}
			rows, err := s.make(cmd.Context(), out, jobs)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s  seed %d  %d runs, one for each of %s sent by link.%s  %s\n",
				spec.Task, *spec.Seed, len(rows), strings.TrimPrefix(s.position, "each-"), s.on, out)
			for _, r := range rows {
				fmt.Fprintf(cmd.OutOrStdout(), "  %3d  %s\n", r.position, r.says())
			}
			return nil
		},
	}
	what.add(cmd)
	with.add(cmd)
	for action, value := range actions {
		cmd.Flags().StringVar(value, action, "", "what to "+action+": each-data-segment or each-frame")
	}
	cmd.Flags().StringVar(&on, "on", "", "the link to do it on: HOST.up or HOST.down (default: the one that carries most data)")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the folder for the runs (default: a folder under runs/)")
	cmd.Flags().IntVar(&jobs, "jobs", 2, "runs at once (engine vm: always one, in order)")
	return cmd
}

// sweep makes runs that differ in the position of one intervention.
type sweep struct {
	spec             *scenario.Spec
	action, position string
	on               string // HOST.DIRECTION
	batch            *batch
}

// row is one position: where its run parts from the one without an intervention.
type row struct {
	position int
	dir      string
	failed   string // why the task did not do what it should
	twin     *twin.Report
}

func (r row) says() string {
	switch {
	case r.failed != "":
		return "the task failed: " + strings.ReplaceAll(r.failed, "\n", "; ")
	case r.twin.First == nil:
		return "no difference in structure"
	}
	return fmt.Sprintf("first part at %s: %s: %s", r.twin.First.Host, r.twin.First.What, r.twin.First.Reason)
}

// make makes out/baseline, out/001, out/002, ... and out/sweep.csv.
func (s *sweep) make(ctx context.Context, out string, jobs int) ([]row, error) {
	run, err := s.batch.maker.resolve(s.spec, *s.spec.Seed)
	if err != nil {
		return nil, err
	}
	if err := s.batch.maker.check(ctx, "soft"); err != nil {
		return nil, err
	}
	staging, err := record.Create(out)
	if err != nil {
		return nil, badRequest(err)
	}
	rows, err := s.fill(ctx, run, staging.Dir(), jobs)
	s.batch.progress.clear()
	if err != nil {
		return nil, errors.Join(err, staging.Discard())
	}
	return rows, staging.Publish()
}

func (s *sweep) fill(ctx context.Context, run *record.Run, dir string, jobs int) ([]row, error) {
	baseline := filepath.Join(dir, "baseline")
	if _, err := s.batch.maker.make(ctx, run, baseline, func(stage string) { s.batch.progress.stage("baseline", stage) }); err != nil {
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
	rows := make([]row, n)
	for i := range rows {
		spec := *s.spec
		setting := scenario.Setting{Key: "link." + s.on + ".frames", Value: s.action + "=" + fmt.Sprintf(positions[s.position], i+1)}
		if err := spec.Override(setting); err != nil {
			return nil, badRequest(err)
		}
		run, err := s.batch.maker.resolve(&spec, *spec.Seed)
		if err != nil {
			return nil, err
		}
		rows[i] = row{position: i + 1, dir: fmt.Sprintf("%03d", i+1)}
		s.batch.runs = append(s.batch.runs, planned{run, filepath.Join(dir, rows[i].dir)})
	}
	made := map[string]entry{}
	s.batch.print = func(e entry) { made[filepath.Base(e.Dir)] = e }
	if err := s.batch.run(ctx, jobs); err != nil && (ctx.Err() != nil || len(made) < len(rows)) {
		return nil, err
	}
	for i := range rows {
		// A run that failed by the intervention (an echo that is lost does not come again) is a
		// result too.
		rows[i].failed = made[rows[i].dir].Error
		if rows[i].twin, err = twin.Compare(baseline, filepath.Join(dir, rows[i].dir)); err != nil {
			return nil, err
		}
	}
	return rows, writeSweep(filepath.Join(dir, "sweep.csv"), s, rows)
}

// choose gives the number of positions on the link of the sweep, choosing the link that
// carries most data when none was asked for.
func (s *sweep) choose(counts []twin.Positions) (int, error) {
	if s.on == "" {
		best := 0
		for i, c := range counts {
			if c.DataBytes > counts[best].DataBytes {
				best = i
			}
		}
		if len(counts) == 0 || counts[best].DataSegments == 0 {
			return 0, errors.New("the task sends no TCP data; name the link with --on HOST.up and use each-frame")
		}
		s.on = counts[best].Host + ".up"
	}
	host, direction, ok := strings.Cut(s.on, ".")
	if !ok || direction != "up" && direction != "down" {
		return 0, badRequest(fmt.Errorf("--on %q: must be HOST.up or HOST.down", s.on))
	}
	for _, c := range counts {
		if c.Host != host {
			continue
		}
		switch {
		case s.position == "each-frame" && direction == "up":
			return c.FramesSent, nil
		case s.position == "each-frame":
			return c.FramesReceived, nil
		case direction == "up":
			return c.DataSegments, nil
		}
		return c.DataSegmentsReceived, nil
	}
	return 0, badRequest(fmt.Errorf("--on %q: no such host in this task", s.on))
}

// writeSweep writes a row for each position: position, run, frames at each host are in the
// runs; here is where the run first parts from the baseline.
func writeSweep(path string, s *sweep, rows []row) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := csv.NewWriter(f)
	w.Write([]string{"position", "run", "link", "action", "failed", "parts_at", "what", "reason", "after_ns"})
	for _, r := range rows {
		line := []string{strconv.Itoa(r.position), r.dir, s.on, s.action, r.failed, "", "", "", ""}
		if d := r.twin.First; d != nil {
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
