package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detgen/engine/exact"
	"detgen/image"
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
			records := make([]*record.Record, len(dirs))
			for i, dir := range dirs {
				r, err := verifiable(dir)
				if err != nil {
					return badRequest(err)
				}
				records[i] = r
			}
			with.engine = exact.Name
			m, err := with.open(slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			defer m.close()
			if err := m.check(cmd.Context(), ""); err != nil {
				return err
			}
			for i, r := range records {
				if err := m.available(r); err != nil {
					return badRequest(fmt.Errorf("%s: %w", dirs[i], err))
				}
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
	with.imageFlags.add(cmd)
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

// verifiable reads a run that can be made again with the same bytes, and makes sure that its
// captures are still those of its run.json.
func verifiable(dir string) (*record.Record, error) {
	r, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	if r.Result.Engine.Name != exact.Name {
		return nil, fmt.Errorf("%s was made on the %s engine; only runs of the exact engine give the same bytes again", dir, r.Result.Engine.Name)
	}
	if len(r.Run.Hosts) == 0 || len(r.Run.Activities) == 0 || len(r.Result.Captures) == 0 {
		return nil, fmt.Errorf("%s is damaged: it names no hosts, no activities or no captures", filepath.Join(dir, record.FileName))
	}
	for _, c := range r.Result.Captures {
		if !filepath.IsLocal(c.File) {
			return nil, fmt.Errorf("%s is damaged: capture %q is not in the run directory", filepath.Join(dir, record.FileName), c.File)
		}
		sum, _, err := record.Digest(filepath.Join(dir, c.File))
		if err != nil {
			return nil, err
		}
		if sum != c.SHA256 {
			return nil, fmt.Errorf("%s is not as it was recorded: its SHA-256 is %s, run.json says %s", filepath.Join(dir, c.File), sum, c.SHA256)
		}
	}
	return r, nil
}

// available makes sure that the guest's kernel has what a run asks of it, and that its images
// are in the store or can be built.
func (m *maker) available(r *record.Record) error {
	if err := exact.Supports(&r.Run); err != nil {
		return err
	}
	for _, h := range r.Run.Hosts {
		recipe, err := m.recipes.Digest(h.Image)
		if err == nil && recipe == h.Digest {
			continue
		}
		var missing *image.NotBuiltError
		if _, lookupErr := m.store.Lookup(h.Digest); !errors.As(lookupErr, &missing) {
			if lookupErr != nil {
				return lookupErr
			}
			continue
		}
		if err != nil {
			recipe = "none"
		}
		return fmt.Errorf("host %q: image %s (%s) is not in the cache, and the catalogue's recipe makes another (%s): verify with the catalogue and the detgen that made the run (%s)",
			h.Name, h.Image, h.Digest, recipe, r.Tool)
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
	if second.Result.Status != first.Result.Status {
		return nil, fmt.Errorf("run.json says that the run was %s; made again it is %s: %s", first.Result.Status, second.Result.Status, cmp.Or(second.Result.Error, "nothing went wrong"))
	}
	v := &verification{Dir: dir, Captures: len(first.Result.Captures), Machine: machineDifference(first, second)}
	if v.Same, err = sameFiles(first, second, dir, again); err != nil || v.Same {
		return v, err
	}
	if v.Report, err = twin.CompareBytes(dir, again); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	v.Report.B.Dir = "made again"
	return v, nil
}

// sameFiles says whether two runs have the same captures and the same log of the links.
func sameFiles(first, second *record.Record, dir, again string) (bool, error) {
	if len(first.Result.Captures) != len(second.Result.Captures) {
		return false, nil
	}
	for i, c := range first.Result.Captures {
		if c.SHA256 != second.Result.Captures[i].SHA256 {
			return false, nil
		}
	}
	a, _, errA := record.Digest(filepath.Join(dir, record.LinkLogFile))
	b, _, errB := record.Digest(filepath.Join(again, record.LinkLogFile))
	if errors.Is(errA, fs.ErrNotExist) && errors.Is(errB, fs.ErrNotExist) {
		return true, nil // the kernel's links keep none
	}
	if err := errors.Join(errA, errB); err != nil {
		return false, fmt.Errorf("compare the links' logs: %w", err)
	}
	return a == b, nil
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
	for _, i := range a.Result.Images {
		n := slices.IndexFunc(b.Result.Images, func(o record.ImageResult) bool { return o.Digest == i.Digest })
		if n < 0 {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(i.Packages)) {
			note("image "+i.Name+", package "+name, i.Packages[name], b.Result.Images[n].Packages[name])
		}
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
	} else {
		fmt.Fprintf(out, "differs  %s\n", v.Dir)
	}
	for _, m := range v.Machine {
		fmt.Fprintf(out, "  another machine: %s\n", m)
	}
	if v.Same {
		return
	}
	printTwin(out, v.Report, v.Dir+" (a), made again (b)")
}
