package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"detgen/engine/engines"
	"detgen/record"
	"detgen/scenario"

	"golang.org/x/sync/errgroup"
)

// Job is one run of a batch: a spec and the seed to resolve it for, and where the run goes.
type Job struct {
	Spec   *scenario.Spec
	Seed   uint64
	Run    *record.Run // the spec resolved, if it is already
	Dir    string
	Failed string // where the run goes when it fails; "": to Dir too
	Err    error  // why there is no such run; found when the batch comes to it
}

// Batch is many runs. Jobs are taken one after the other, so a batch may be as long as it likes.
type Batch struct {
	Jobs     iter.Seq[Job]
	Count    int         // of all jobs, those of other shards included
	Parallel int         // runs at once; the engine may allow fewer
	Shard    Shard       // which jobs are this process's; the zero value: all
	Resume   bool        // runs that are there already count as made; they must be of the same job
	Retry    bool        // make runs again that are there and failed
	Check    bool        // make each run again and compare the bytes
	Report   func(Event) // told what happens, one call at a time
}

// Event is something that happened in a batch. Stage and Made exclude each other.
type Event struct {
	Job   Job
	Stage string         // a stage of the job began
	Made  *record.Record // the job's run was made, or was there; nil when it did not start
	Err   error          // why the run failed or did not start
	Ended bool           // the job is over
	There bool           // the run was there already
	Took  time.Duration

	Done, All int           // jobs of the shard
	Left      time.Duration // until all are made, by the pace so far; 0 when it is not known
}

// Tally is what became of a batch's jobs.
type Tally struct {
	Made, There, Failed int
	Last                error // of a run that failed, the last one
}

// ahead is how many jobs are resolved before the first one starts, so that what is wrong with a request is found then.
const ahead = 200

// planned is a job that is resolved.
type planned struct {
	Job
	run   *record.Run
	there *record.Record // the run that is there already
	err   error          // it cannot be resolved: found after others had started
}

// Run makes the runs of a batch, all of them whether or not one fails. What is wrong with the first jobs, or with runs
// that are there, is found before anything starts. The error is not nil when runs failed or ctx ended.
func (r *Runner) Run(ctx context.Context, b Batch) (Tally, error) {
	if b.Check && !r.engine.Repeats() {
		return Tally{}, request(fmt.Errorf("only the %s engine gives the same bytes again, so that runs can be checked, and this is %s", engines.Exact(), r.engine.Name()))
	}
	if b.Report == nil {
		b.Report = func(Event) {}
	}
	next, stop := iter.Pull(b.shard())
	defer stop()
	var first []planned
	for len(first) < ahead {
		job, ok := next()
		if !ok {
			break
		}
		p := r.plan(job, &b)
		if p.err != nil {
			return Tally{}, p.err
		}
		first = append(first, p)
	}
	if len(first) == 0 {
		return Tally{}, nil
	}
	if err := r.Check(ctx, first[0].Spec.LinkDriver); err != nil {
		return Tally{}, err
	}
	w := &work{runner: r, batch: b, begin: time.Now(), all: b.Shard.Size(b.Count)}
	var group errgroup.Group
	group.SetLimit(max(r.engine.Jobs(b.Parallel), 1))
	for ctx.Err() == nil {
		var p planned
		if len(first) > 0 {
			p, first = first[0], first[1:]
		} else if job, ok := next(); ok {
			p = planned{Job: job}
		} else {
			break
		}
		group.Go(func() error {
			w.do(ctx, p)
			return nil
		})
	}
	group.Wait()
	switch t := w.tally; {
	case ctx.Err() != nil:
		return t, errors.New("interrupted; nothing of the runs that were going on is left")
	case t.Failed == 1 && w.all == 1:
		return t, t.Last
	case t.Failed > 0:
		return t, fmt.Errorf("%d of %d runs failed; the last: %w", t.Failed, w.all, t.Last)
	default:
		return t, nil
	}
}

// shard gives the jobs of the batch's shard.
func (b *Batch) shard() iter.Seq[Job] {
	return func(yield func(Job) bool) {
		number := 0
		for job := range b.Jobs {
			if b.Shard.Has(number) && !yield(job) {
				return
			}
			number++
		}
	}
}

// plan resolves a job and looks for its run.
func (r *Runner) plan(job Job, b *Batch) planned {
	p := planned{Job: job, run: job.Run, err: job.Err}
	if p.run == nil && p.err == nil {
		p.run, p.err = r.Resolve(job.Spec, job.Seed)
	}
	if p.err != nil {
		return p
	}
	if !b.Resume {
		p.err = request(record.Vacant(job.Dir))
		return p
	}
	for _, dir := range []string{job.Dir, job.Failed} {
		if dir == "" || p.there != nil || p.err != nil {
			continue
		}
		p.there, p.err = there(dir, p.run)
		if p.there != nil && p.there.Result.Status != record.Complete && b.Retry {
			p.there, p.err = nil, os.RemoveAll(dir)
		}
	}
	return p
}

// there gives the record of a run that is at dir already, nil when there is none. Another run there is an error.
func there(dir string, run *record.Run) (*record.Record, error) {
	if _, err := os.Stat(filepath.Join(dir, record.FileName)); err != nil {
		return nil, request(record.Vacant(dir))
	}
	r, err := record.Read(dir)
	if err != nil {
		return nil, request(err)
	}
	a, err1 := json.Marshal(run)
	b, err2 := json.Marshal(&r.Run)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if !bytes.Equal(a, b) {
		return nil, request(fmt.Errorf("%s holds another run than the one that was asked for; choose another folder", dir))
	}
	return r, nil
}

// work is a batch that is going on.
type work struct {
	runner *Runner
	batch  Batch
	begin  time.Time
	all    int

	mu    sync.Mutex // of what follows, and of calls of Report
	tally Tally
	made  int // runs that took time
	done  int
}

func (w *work) report(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.Done, e.All = w.done, w.all
	w.batch.Report(e)
}

// do makes one run.
func (w *work) do(ctx context.Context, p planned) {
	if ctx.Err() != nil {
		return
	}
	begin := time.Now()
	if p.run == nil {
		p = w.runner.plan(p.Job, &w.batch)
	}
	made, err := p.there, p.err
	stage := func(stage string) { w.report(Event{Job: p.Job, Stage: stage}) }
	switch {
	case err != nil:
	case made == nil:
		made, err = w.runner.Make(ctx, p.run, p.Dir, stage)
		if err != nil && made != nil && p.Failed != "" {
			err = errors.Join(err, move(p.Dir, p.Failed))
		}
		if err != nil && made == nil && w.batch.Resume {
			// Another process may have made it meanwhile.
			if r, errThere := there(p.Dir, p.run); errThere == nil && r != nil {
				p.there, made, err = r, r, nil
			}
		}
	case made.Result.Status != record.Complete:
		err = errors.New(made.Result.Error)
	}
	if w.batch.Check && err == nil {
		err = w.runner.checked(ctx, p.Dir, func(s string) { stage("again: " + s) })
		if ctx.Err() != nil && p.there == nil {
			os.RemoveAll(p.Dir) // it was not checked
		}
	}
	if ctx.Err() != nil {
		return
	}
	w.ended(Event{Job: p.Job, Made: made, Err: err, Ended: true, There: p.there != nil, Took: time.Since(begin)})
}

// ended counts a job that is over and reports it.
func (w *work) ended(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done++
	switch {
	case e.Err != nil:
		w.tally.Failed++
		w.tally.Last = e.Err
	case e.There:
		w.tally.There++
	default:
		w.tally.Made++
	}
	if !e.There {
		w.made++
	}
	e.Done, e.All = w.done, w.all
	if w.made > 0 {
		e.Left = time.Since(w.begin) / time.Duration(w.made) * time.Duration(w.all-w.done)
	}
	w.batch.Report(e)
}

// move gives a run directory another name.
func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Rename(from, to)
}
