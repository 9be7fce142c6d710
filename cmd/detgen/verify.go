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
	"detgen/record"
	"detgen/twin"

	"github.com/spf13/cobra"
)

// newVerify is "detgen verify": make runs again and compare the bytes.
func newVerify() *cobra.Command {
	var with makerFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify DIR...",
		Short: "Make runs of the exact engine again and compare every capture's bytes",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			for _, dir := range dirs {
				if err := verifiable(dir); err != nil {
					return badRequest(err)
				}
			}
			with.engine = exact.Name
			m, err := with.open(slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer m.close()
			if err := m.check(""); err != nil {
				return err
			}
			p := newProgress(cmd.ErrOrStderr())
			var differ int
			for _, dir := range dirs {
				v, err := m.verify(cmd.Context(), dir, func(stage string) { p.stage(filepath.Base(dir), stage) })
				p.clear()
				if err != nil {
					return fmt.Errorf("verify %s: %w", dir, err)
				}
				if !v.Same {
					differ++
				}
				printVerification(cmd.OutOrStdout(), v, asJSON)
			}
			if differ > 0 {
				return fmt.Errorf("%d of %d runs came out differently", differ, len(dirs))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&with.cache, "cache", "", "keep images in this directory (default: DETGEN_CACHE, or /var/cache/detgen for root)")
	cmd.Flags().StringVar(&with.catalogue, "catalogue", "", "use the scenarios and images of this folder too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object a line for each run")
	return cmd
}

// verification is what came of making a run again.
type verification struct {
	Dir      string       `json:"dir"`
	Same     bool         `json:"same"`
	Captures int          `json:"captures"`
	Machine  []string     `json:"machine,omitempty"` // what of the two machines differs
	Report   *twin.Report `json:"report,omitempty"`  // nil when they are the same
}

// verifiable says whether a run can be made again with the same bytes, and its captures are
// still those of its run.json.
func verifiable(dir string) error {
	r, err := record.Read(dir)
	if err != nil {
		return err
	}
	if r.Result.Engine.Name != exact.Name {
		return fmt.Errorf("%s was made on the %s engine; only runs of the exact engine give the same bytes again", dir, r.Result.Engine.Name)
	}
	for _, c := range r.Result.Captures {
		sum, _, err := record.Digest(filepath.Join(dir, c.File))
		if err != nil {
			return err
		}
		if sum != c.SHA256 {
			return fmt.Errorf("%s is not as it was recorded: its SHA-256 is %s, run.json says %s", filepath.Join(dir, c.File), sum, c.SHA256)
		}
	}
	return nil
}

// verify makes the run of a run directory again and compares.
func (m *maker) verify(ctx context.Context, dir string, progress func(string)) (*verification, error) {
	first, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "detgen-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	again := filepath.Join(scratch, "again")
	second, err := m.make(ctx, &first.Run, again, progress)
	if second == nil {
		return nil, err
	}
	v := &verification{Dir: dir, Same: len(first.Result.Captures) == len(second.Result.Captures), Captures: len(first.Result.Captures)}
	for i := 0; v.Same && i < v.Captures; i++ {
		v.Same = first.Result.Captures[i].SHA256 == second.Result.Captures[i].SHA256
	}
	if v.Same {
		return v, nil
	}
	v.Machine = machineDifference(first, second)
	if v.Report, err = twin.Compare(dir, again); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	v.Report.B.Dir = "made again"
	return v, nil
}

// machineDifference says what of the machines of two runs differs, which explains everything
// else.
func machineDifference(a, b *record.Record) []string {
	var list []string
	note := func(what, a, b string) {
		if a != b {
			list = append(list, fmt.Sprintf("%s: %s, now %s", what, a, b))
		}
	}
	note("tool", a.Tool, b.Tool)
	note("kernel release", a.Result.Engine.Kernel, b.Result.Engine.Kernel)
	for _, key := range []string{"qemu", "kernel", "crun", "snapshot"} {
		note(key, a.Result.Engine.Details[key], b.Result.Engine.Details[key])
	}
	return list
}

// checked verifies a run that was just made (run --check).
func (m *maker) checked(ctx context.Context, dir string, progress func(string)) error {
	v, err := m.verify(ctx, dir, progress)
	if err != nil {
		return fmt.Errorf("make it again: %w", err)
	}
	if v.Same {
		return nil
	}
	var text strings.Builder
	printVerification(&text, v, false)
	return errors.New(strings.TrimSpace(text.String()))
}

func printVerification(out io.Writer, v *verification, asJSON bool) {
	if asJSON {
		line, _ := json.Marshal(v)
		fmt.Fprintln(out, string(line))
		return
	}
	if v.Same {
		fmt.Fprintf(out, "same     %s  %d captures\n", v.Dir, v.Captures)
		return
	}
	fmt.Fprintf(out, "differs  %s\n", v.Dir)
	for _, m := range v.Machine {
		fmt.Fprintf(out, "  another machine: %s\n", m)
	}
	printTwin(out, v.Report, v.Dir+" (a), made again (b)")
}
