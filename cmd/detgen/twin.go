package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"detgen/engine/exact"
	"detgen/lab/link"
	"detgen/record"
	"detgen/scenario"
	"detgen/twin"

	"github.com/spf13/cobra"
)

// newTwin is "detgen twin": two runs that differ in one factor, and where they part.
func newTwin() *cobra.Command {
	var what specFlags
	var with makerFlags
	var vary, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "twin SCENARIO/TASK --vary KEY=VALUE -o DIR",
		Short: "Make two runs that differ in one factor, and say which packet differs first",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			first, err := what.spec(cmd, args)
			if err != nil {
				return err
			}
			if vary == "" {
				return badRequest(errors.New("--vary KEY=VALUE is missing: the factor in which the second run differs"))
			}
			setting, err := scenario.ParseSetting(vary)
			if err != nil {
				return badRequest(err)
			}
			if with.driver != "" {
				first.LinkDriver = with.driver
			}
			second := *first
			if err := second.Override(setting); err != nil {
				return badRequest(err)
			}
			m, err := with.open(slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer m.close()
			if out == "" {
				out = freeName("twin-" + runName(first.Task, *first.Seed))
			}
			report, err := m.twin(cmd.Context(), first, &second, out, newProgress(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			}
			printTwin(cmd.OutOrStdout(), report, out)
			return nil
		},
	}
	what.add(cmd)
	with.add(cmd)
	cmd.Flags().StringVar(&vary, "vary", "", "the factor in which the second run differs: KEY=VALUE")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the folder for both runs and the report (default: a folder under runs/)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

// twin makes both runs as out/a and out/b, and out/twin.json, out/pairs.csv and the figure.
func (m *maker) twin(ctx context.Context, first, second *scenario.Spec, out string, p *progress) (*twin.Report, error) {
	if err := record.Vacant(out); err != nil {
		return nil, badRequest(err)
	}
	runs := map[string]*record.Run{}
	for name, spec := range map[string]*scenario.Spec{"a": first, "b": second} {
		run, err := m.resolve(spec, *spec.Seed)
		if err != nil {
			return nil, err
		}
		runs[name] = run
	}
	m.join(runs["a"], runs["b"])
	if err := m.check(ctx, first.LinkDriver); err != nil {
		return nil, err
	}
	staging, err := record.Create(out)
	if err != nil {
		return nil, badRequest(err)
	}
	report, err := m.makeTwin(ctx, runs, staging.Dir(), p)
	p.clear()
	if err != nil {
		return nil, errors.Join(err, staging.Discard())
	}
	return report, staging.Publish()
}

// join tells the two runs of each other when they differ in links only. On the exact engine that
// makes them the same up to the first frame that a link treats differently, if the soft driver
// does the links, so that is then what does when the user leaves it open.
func (m *maker) join(a, b *record.Run) {
	if record.JoinTwins(a, b) && m.engine == exact.Name && a.LinkDriver == "" {
		a.LinkDriver, b.LinkDriver = link.Soft, link.Soft
	}
}

func (m *maker) makeTwin(ctx context.Context, runs map[string]*record.Run, dir string, p *progress) (*twin.Report, error) {
	for _, name := range []string{"a", "b"} {
		_, err := m.make(ctx, runs[name], filepath.Join(dir, name), func(stage string) { p.stage("twin "+name, stage) })
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", name, err)
		}
	}
	report, err := twin.Compare(filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	if err != nil {
		return nil, err
	}
	report.A.Dir, report.B.Dir = "a", "b"
	content, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "twin.json"), append(content, '\n'), 0o644); err != nil {
		return nil, err
	}
	if err := report.WritePairs(filepath.Join(dir, "pairs.csv")); err != nil {
		return nil, err
	}
	return report, drawTwin(report, dir, filepath.Join(dir, "twin.svg"), filepath.Join(dir, "twin.png"))
}

// printTwin says in a few lines what a twin showed.
func printTwin(out io.Writer, r *twin.Report, dir string) {
	fmt.Fprintf(out, "%s  seed %d  %s\n", r.A.Task, r.A.Seed, dir)
	for _, d := range r.Differ {
		fmt.Fprintf(out, "  %s: a %s, b %s\n", d.Name, orNone(d.A), orNone(d.B))
	}
	for _, c := range r.Captures {
		fmt.Fprintf(out, "  %-10s %d and %d frames; %d from the start are the same in bytes and time, %d in bytes; %d have a counterpart, %d only in a, %d only in b\n",
			c.Host, c.FramesA, c.FramesB, c.Equal, c.SameBytes, c.Paired, c.OnlyA, c.OnlyB)
	}
	if r.First == nil {
		fmt.Fprintln(out, "  the captures do not part")
		return
	}
	f := r.First
	var where []string
	for _, n := range []struct {
		name   string
		number uint64
	}{{"a", f.NumberA}, {"b", f.NumberB}} {
		if n.number > 0 {
			where = append(where, fmt.Sprintf("frame %d of %s", n.number, n.name))
		}
	}
	fmt.Fprintf(out, "  first part at %s, %s after the task's start: %s (%s)\n    %s\n", f.Host, f.After(), f.What, strings.Join(where, ", "), f.Reason)
	if c := r.Cause; c != nil {
		fmt.Fprintf(out, "    cause: frame %d of %s in %s: %s: %s\n", c.Number, c.Host, c.Run, c.What, c.Did)
	}
}

func orNone(s string) string {
	if s == "" {
		return "not set"
	}
	return s
}
