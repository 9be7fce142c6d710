package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detgen/engine"
	"detgen/engine/engines"
	"detgen/image"
	"detgen/record"
	"detgen/twin"
)

// Verification is what came of making a run again.
type Verification struct {
	Dir      string       `json:"dir"`
	Same     bool         `json:"same"`
	Captures int          `json:"captures"`
	Machine  []string     `json:"machine,omitempty"` // what of the two machines differs
	Report   *twin.Report `json:"report,omitempty"`  // nil when they are the same
}

// VerifyAll makes the runs of run directories again on the engine that repeats bytes, and compares. That all of them can be
// made again is found before. show is told what goes on, and report what came of each; the error tells how many differ.
func VerifyAll(ctx context.Context, c Config, dirs []string, show func(string), report func(*Verification) error) error {
	for _, dir := range dirs {
		if err := verifiable(dir); err != nil {
			return request(err)
		}
	}
	c.Engine = engines.Exact()
	r, err := Open(c)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.Check(ctx, ""); err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := r.Available(dir); err != nil {
			return err
		}
	}
	differ := 0
	for _, dir := range dirs {
		v, err := r.Verify(ctx, dir, func(stage string) { show(filepath.Base(dir) + ": " + stage) })
		if err != nil {
			return fmt.Errorf("verify %s: %w", dir, err)
		}
		if !v.Same {
			differ++
		}
		if err := report(v); err != nil {
			return err
		}
	}
	if differ > 0 {
		return fmt.Errorf("%d of %d runs came out differently", differ, len(dirs))
	}
	return nil
}

// verifiable makes sure that a run can be made again with the same bytes, and that its captures are still those of its
// run.json.
func verifiable(dir string) error {
	r, err := record.Read(dir)
	if err != nil {
		return err
	}
	if e, err := engines.Open(r.Result.Engine.Name, engine.Config{}); err != nil || !e.Repeats() {
		return fmt.Errorf("%s was made on the %s engine; only runs of the %s engine give the same bytes again", dir, r.Result.Engine.Name, engines.Exact())
	}
	if len(r.Run.Hosts) == 0 || len(r.Run.Activities) == 0 || len(r.Result.Captures) == 0 {
		return fmt.Errorf("%s is damaged: it names no hosts, no activities or no captures", filepath.Join(dir, record.FileName))
	}
	for i := range r.Result.Captures {
		if err := r.CheckCapture(dir, &r.Result.Captures[i]); err != nil {
			return err
		}
	}
	return nil
}

// Available makes sure that the engine has what the run of a run directory asks of it, and that its images are in the
// store or can be built.
func (r *Runner) Available(dir string) error {
	of, err := record.Read(dir)
	if err != nil {
		return request(err)
	}
	if err := r.engine.Supports(&of.Run); err != nil {
		return request(fmt.Errorf("%s: %w", dir, err))
	}
	for _, h := range of.Run.Hosts {
		recipe, err := r.recipes.Digest(h.Image)
		if err == nil && recipe == h.Digest {
			continue
		}
		var missing *image.NotBuiltError
		if _, lookupErr := r.store.Lookup(h.Digest); !errors.As(lookupErr, &missing) {
			if lookupErr != nil {
				return request(fmt.Errorf("%s: %w", dir, lookupErr))
			}
			continue
		}
		if err != nil {
			recipe = "none"
		}
		return request(fmt.Errorf("%s: host %q: image %s (%s) is not in the cache, and the catalogue's recipe makes another (%s): verify with the catalogue and the detgen that made the run (%s)",
			dir, h.Name, h.Image, h.Digest, recipe, of.Tool))
	}
	return nil
}

// Verify makes the run of a run directory again, in a temporary directory, and compares.
func (r *Runner) Verify(ctx context.Context, dir string, stage func(string)) (*Verification, error) {
	first, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	// What a kill leaves of it, the next one removes.
	scratch, err := record.Create(filepath.Join(os.TempDir(), "detgen-verify"))
	if err != nil {
		return nil, err
	}
	defer scratch.Discard()
	again := filepath.Join(scratch.Dir(), "again")
	second, err := r.Make(ctx, &first.Run, again, stage)
	if second == nil {
		return nil, err
	}
	if second.Result.Status != first.Result.Status {
		return nil, fmt.Errorf("run.json says that the run was %s; made again it is %s: %s", first.Result.Status, second.Result.Status, cmp.Or(second.Result.Error, "nothing went wrong"))
	}
	v := &Verification{Dir: dir, Captures: len(first.Result.Captures), Machine: machineDifference(first, second)}
	if v.Same, err = sameFiles(first, second, dir, again); err != nil || v.Same {
		return v, err
	}
	if v.Report, err = twin.CompareBytes(dir, again); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	v.Report.B.Dir = "made again"
	return v, nil
}

// checked verifies a run that was just made.
func (r *Runner) checked(ctx context.Context, dir string, stage func(string)) error {
	v, err := r.Verify(ctx, dir, stage)
	if err != nil {
		return fmt.Errorf("make it again: %w", err)
	}
	if v.Same {
		return nil
	}
	var text strings.Builder
	v.WriteText(&text)
	return errors.New(strings.TrimSpace(text.String()))
}

// WriteText tells in a few lines what came of it.
func (v *Verification) WriteText(out io.Writer) error {
	var text strings.Builder
	if v.Same {
		fmt.Fprintf(&text, "same     %s  %d captures\n", v.Dir, v.Captures)
	} else {
		fmt.Fprintf(&text, "differs  %s\n", v.Dir)
	}
	for _, m := range v.Machine {
		fmt.Fprintf(&text, "  another machine: %s\n", m)
	}
	if !v.Same {
		v.Report.WriteText(&text, v.Dir+" (a), made again (b)")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// sameFiles tells whether two runs have the same captures and the same log of the links.
func sameFiles(first, second *record.Record, dir, again string) (bool, error) {
	if len(first.Result.Captures) != len(second.Result.Captures) {
		return false, nil
	}
	for i, c := range first.Result.Captures {
		if c.SHA256 != second.Result.Captures[i].SHA256 {
			return false, nil
		}
	}
	a, _, errA := record.DigestBelow(dir, record.LinkLogFile)
	b, _, errB := record.DigestBelow(again, record.LinkLogFile)
	if errors.Is(errA, fs.ErrNotExist) && errors.Is(errB, fs.ErrNotExist) {
		return true, nil // the kernel's links keep none
	}
	if err := errors.Join(errA, errB); err != nil {
		return false, fmt.Errorf("compare the links' logs: %w", err)
	}
	return a == b, nil
}

// machineDifference lists what of the machines of two runs differs, which explains everything else.
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
