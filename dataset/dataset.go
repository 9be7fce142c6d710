// Package dataset makes many runs from one plan and writes them as tables that people load, checked, with labels and
// splits, and makes them again from a recipe of a few kilobytes (design: "Datasets").
package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"detgen/dataset/columns"
	"detgen/dataset/plan"
	"detgen/record"
	"detgen/runner"
	"detgen/table"

	"golang.org/x/sys/unix"
)

// Files and folders of a dataset.
const (
	PlanFile   = "plan.yaml"    // the plan that decides it
	FileName   = "dataset.json" // what it is; written last
	CardFile   = "README.md"    // the same for people
	RunsFolder = "runs"         // ID/: run directories
	Failed     = "failed"       // ID/: runs that did not do what they should
)

// Dataset is a folder that a plan is built in.
type Dataset struct {
	Dir    string
	Plan   *plan.Plan
	text   []byte // of the plan
	runner *runner.Runner
	fixed  bool   // how many runs entries have that want something is known
	engine string // the name and version that a run's identity depends on
}

// Result is what came of writing a dataset. It tells in a few lines what is in the dataset's folder.
type Result interface {
	WriteText(out io.Writer, dir string) error
}

// Options of a build.
type Options struct {
	Parallel    int
	Shard       runner.Shard
	RetryFailed bool
	Slurm       *Slurm             // where the runs are made; nil: here
	Format      table.Format       // of the tables of connections and packets; table.CSV
	Columns     []columns.Set      // besides: tables in the columns of other data sets
	Snapshot    string             // archive of packages that a mirror no longer has; "" for image.SnapshotArchive
	Report      func(runner.Event) // may be nil
}

// Tables says what tables are written, by the names of a format ("" is CSV) and of sets of columns.
func (o *Options) Tables(format string, sets []string) (err error) {
	if o.Format, err = table.FormatFor(format, ""); err != nil {
		return runner.RequestError{Err: fmt.Errorf("--format: %w", err)}
	}
	if o.Columns, err = columns.ParseAll(sets); err != nil {
		return runner.RequestError{Err: fmt.Errorf("--columns: %w", err)}
	}
	return nil
}

// Open opens a folder for a plan: a new one, or one in which the same plan was begun. r makes its runs. What the
// engine's runs share is made when it is missing.
func Open(ctx context.Context, dir, planName string, planText []byte, r *runner.Runner) (*Dataset, error) {
	p, err := plan.Read(planName, planText)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	d := &Dataset{Dir: dir, Plan: p, text: planText, runner: r}
	there, err := d.begun()
	if err != nil {
		return nil, err
	}
	if !there {
		if err := record.Vacant(dir); err != nil {
			return nil, runner.RequestError{Err: err}
		}
	}
	if err := r.Check(ctx, ""); err != nil {
		return nil, err
	}
	version, err := r.Engine().Version(ctx)
	if err != nil {
		return nil, err
	}
	d.engine = r.Engine().Name() + " " + version
	return d, nil
}

// begun tells whether the folder holds this plan already. A folder of another plan is an error.
func (d *Dataset) begun() (bool, error) {
	there, err := ReadPlan(d.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case string(there) != string(d.text):
		return false, runner.RequestError{Err: fmt.Errorf("%s holds a dataset of another plan (%s differs); choose another folder", d.Dir, filepath.Join(d.Dir, PlanFile))}
	}
	return true, nil
}

// claim makes sure that the folder is this plan's. Any number of shards can call it at once, on any number of machines:
// the folder appears whole, with its plan and the folder of its runs, and one of them makes it.
func (d *Dataset) claim() error {
	if there, err := d.begun(); there || err != nil {
		return err
	}
	err := d.create()
	if there, otherwise := d.begun(); there || otherwise != nil {
		return otherwise // whoever made it
	}
	return err
}

// create makes the folder.
func (d *Dataset) create() error {
	s, err := record.Create(d.Dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), PlanFile), d.text, 0o644); err != nil {
		return errors.Join(err, s.Discard())
	}
	if err := os.Mkdir(filepath.Join(s.Dir(), RunsFolder), 0o755); err != nil {
		return errors.Join(err, s.Discard())
	}
	return s.Publish()
}

// identity gives the id of a run: a hash of all that decides it, which is the resolved run (the digests of its images
// are in it) and the engine, with its version where bytes depend on it.
func (d *Dataset) identity(run *record.Run) (string, error) {
	text, err := json.Marshal(run)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write([]byte(d.engine + "\n"))
	h.Write(text)
	return fmt.Sprintf("%x", h.Sum(nil)[:16]), nil
}

// resolve gives the run of a plan's run, and its id.
func (d *Dataset) resolve(r *plan.Run) (*record.Run, string, error) {
	run, err := d.runner.Resolve(r.Spec, r.Seed)
	if err != nil {
		return nil, "", fmt.Errorf("run %s: %w", r.Name(), err)
	}
	id, err := d.identity(run)
	return run, id, err
}

// jobs gives the runs of a shard as jobs of the runner. Runs of a plan that come out as the same are made once.
func (d *Dataset) jobs(shard runner.Shard) iter.Seq[runner.Job] {
	return func(yield func(runner.Job) bool) {
		number := -1
		for r := range d.Plan.Runs() {
			if number++; !shard.Has(number) {
				continue
			}
			job := runner.Job{Spec: r.Spec, Seed: r.Seed}
			var id string
			if job.Run, id, job.Err = d.resolve(r); job.Err == nil {
				job.Dir, job.Failed = filepath.Join(d.Dir, RunsFolder, id), filepath.Join(d.Dir, Failed, id)
			}
			if !yield(job) {
				return
			}
		}
	}
}

// room is how much of the disk must be free for a build to go on, bytes.
const room = 512 << 20

// Make makes the runs that are missing, those of one shard; where entries want a number of connections or packets, as
// many as that takes. Runs that failed are kept apart and counted; the error is
// not nil when more failed than the plan allows, or when the build was interrupted: the same call goes on then.
func (d *Dataset) Make(ctx context.Context, o Options) (runner.Tally, error) {
	e := d.Plan.Wanting()
	switch {
	case e == nil || d.fixed:
		return d.makeRuns(ctx, o)
	case o.Shard.Of > 1:
		return runner.Tally{}, d.unshardable(e)
	}
	return d.makeWanted(ctx, o)
}

// unshardable is why a plan is not built in parts.
func (d *Dataset) unshardable(e *plan.Entry) error {
	what, _ := e.Wanted()
	return runner.RequestError{Err: fmt.Errorf("entry %s wants a number of %s, so its runs are not known before they are made: build it in one process, or state runs", e.Name, what)}
}

// makeRuns makes the runs of the plan as it stands.
func (d *Dataset) makeRuns(ctx context.Context, o Options) (runner.Tally, error) {
	if err := checkRoom(filepath.Dir(filepath.Clean(d.Dir))); err != nil {
		return runner.Tally{}, runner.RequestError{Err: err}
	}
	if err := d.claim(); err != nil {
		return runner.Tally{}, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	tally, err := d.runner.Run(ctx, runner.Batch{
		Jobs: d.jobs(o.Shard), Count: o.Shard.Size(d.Plan.Count()), Parallel: o.Parallel, Resume: true, Retry: o.RetryFailed,
		Report: func(e runner.Event) {
			if e.Ended {
				if err := checkRoom(d.Dir); err != nil {
					stop(err)
				}
			}
			if o.Report != nil {
				o.Report(e)
			}
		},
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return tally, cause
	}
	all := tally.Made + tally.There + tally.Failed
	if ctx.Err() != nil || all == 0 {
		return tally, err
	}
	return tally, d.tooMany(tally)
}

// tooMany tells when more runs failed than the plan allows.
func (d *Dataset) tooMany(t runner.Tally) error {
	all := t.Made + t.There + t.Failed
	if share := float64(t.Failed) / float64(all); share > *d.Plan.FailAbove {
		return fmt.Errorf("%d of %d runs failed, more than the plan's fail_above allows (%g); they are in %s; the last: %w",
			t.Failed, all, *d.Plan.FailAbove, filepath.Join(d.Dir, Failed), t.Last)
	}
	return nil
}

// checkRoom makes sure that the disk of a folder has room.
func checkRoom(dir string) error {
	for {
		var fs unix.Statfs_t
		err := unix.Statfs(dir, &fs)
		if errors.Is(err, unix.ENOENT) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return fmt.Errorf("look at the disk of %s: %w", dir, err)
		}
		if free := fs.Bavail * uint64(fs.Bsize); free < room {
			return fmt.Errorf("the disk of %s has %d MiB left; a build stops below %d MiB: make room, and the same command goes on", dir, free>>20, room>>20)
		}
		return nil
	}
}

// Built is what a build gave.
type Built struct {
	Tally       runner.Tally
	Description *Description // nil for a shard, which writes no tables
}

// Build makes the runs of a plan that are missing and, unless it is for a shard only, the tables.
func Build(ctx context.Context, dir, planName string, planText []byte, r *runner.Runner, o Options) (*Built, error) {
	d, err := Open(ctx, dir, planName, planText, r)
	if err != nil {
		return nil, err
	}
	b := &Built{}
	if o.Slurm != nil {
		b.Tally, err = d.MakeBySlurm(ctx, o)
	} else {
		b.Tally, err = d.Make(ctx, o)
	}
	if err != nil || o.Shard.Of > 1 {
		return b, err
	}
	b.Description, err = d.Tables(ctx, o)
	return b, err
}

// WriteText tells what a build gave.
func (b *Built) WriteText(out io.Writer, dir string) error {
	text := fmt.Sprintf("%s: %d runs made, %d were there, %d failed\n", dir, b.Tally.Made, b.Tally.There, b.Tally.Failed)
	if d := b.Description; d != nil {
		text += fmt.Sprintf("%d connections, %d frames in the tables; %s tells what is there\n", d.Runs.Connections, d.Runs.Frames, CardFile)
	}
	_, err := io.WriteString(out, text)
	return err
}
