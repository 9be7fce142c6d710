package dataset

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"detgen/dataset/plan"
	"detgen/record"
	"detgen/runner"
	"detgen/seed"
)

// Checked is a dataset whose files are as they were recorded.
type Checked struct {
	Dir    string
	Engine string
	Seed   uint64
	Runs   []string // ids
	Files  int      // that were read

	dropped     bool // the captures are
	description *Description
	captures    [][]string // by run: the recorded digests
}

// idPattern is what an id of a run looks like; nothing else becomes a path.
var idPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Check reads every file of a dataset whose digest is recorded: those of dataset.json, and each run's run.json and
// captures. The error names the first that differs.
func Check(ctx context.Context, dir string) (*Checked, error) {
	o, err := readDescription(dir)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	c := &Checked{Dir: dir, Engine: o.Engine.Name, Seed: o.Seed, dropped: o.Captures == plan.Drop, description: o}
	for name, want := range o.Files {
		if !filepath.IsLocal(name) || strings.ContainsRune(name, filepath.Separator) {
			return nil, runner.RequestError{Err: fmt.Errorf("%s: %q is no file of the dataset's folder", filepath.Join(dir, FileName), name)}
		}
		if err := c.file(name, want.SHA256); err != nil {
			return nil, err
		}
	}
	rows, at, err := readRuns(dir, "run", "run_json_sha256", "captures_sha256")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.run(row[at[0]], row[at[1]], strings.Fields(row[at[2]])); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// run checks the files of a run.
func (c *Checked) run(id, sum string, captures []string) error {
	folder := filepath.Join(RunsFolder, id)
	if err := c.file(filepath.Join(folder, record.FileName), sum); err != nil {
		return err
	}
	r, err := readRun(c.Dir, RunsFolder, id)
	if err != nil {
		return err
	}
	if len(r.Result.Captures) != len(captures) {
		return fmt.Errorf("%s: run.json names %d captures, %s %d", filepath.Join(c.Dir, folder), len(r.Result.Captures), RunsTable, len(captures))
	}
	for i, capture := range r.Result.Captures {
		if c.dropped {
			break
		}
		if capture.SHA256 != captures[i] {
			return fmt.Errorf("%s: run.json says another SHA-256 of %s than %s", filepath.Join(c.Dir, folder), capture.File, RunsTable)
		}
		if err := r.CheckCapture(filepath.Join(c.Dir, folder), &capture); err != nil {
			return err
		}
		c.Files++
	}
	c.Runs, c.captures = append(c.Runs, id), append(c.captures, captures)
	return nil
}

// file checks one file below the dataset's folder.
func (c *Checked) file(name, want string) error {
	path := filepath.Join(c.Dir, name)
	got, _, err := record.DigestBelow(c.Dir, name)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%s is not as it was recorded: its SHA-256 is %s, not %s", path, got, want)
	}
	c.Files++
	return nil
}

// MakeAgain makes a number of the runs again, drawn by the dataset's seed, and gives how many came out with the same
// bytes. The error names the first that did not. with is for the runner, on the dataset's engine.
func (c *Checked) MakeAgain(ctx context.Context, with runner.Config, sample int, stage func(string)) (int, error) {
	with.Engine = c.Engine
	r, err := runner.Open(with)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	if !r.Engine().Repeats() {
		return 0, runner.RequestError{Err: fmt.Errorf("--sample: the %s engine does not give the same bytes again", r.Engine().Name())}
	}
	if c.dropped {
		return 0, runner.RequestError{Err: errors.New("--sample: the captures of this dataset were dropped, so there is nothing to compare")}
	}
	if err := r.Check(ctx, ""); err != nil {
		return 0, err
	}
	runs := slices.Clone(c.Runs)
	seed.Stream(c.Seed, "verify").Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	runs = runs[:min(sample, len(runs))]
	for i, id := range runs {
		dir := filepath.Join(c.Dir, RunsFolder, id)
		if err := r.Available(dir); err != nil {
			return i, err
		}
		v, err := r.Verify(ctx, dir, func(s string) { stage(fmt.Sprintf("%d of %d runs: %s", i, len(runs), s)) })
		if err != nil {
			return i, fmt.Errorf("run %s: %w", id, err)
		}
		if !v.Same {
			var text strings.Builder
			v.WriteText(&text)
			return i, errors.New(strings.TrimSpace(text.String()))
		}
	}
	return len(runs), nil
}
