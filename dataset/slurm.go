package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/record"
	"detgen/runner"
)

// Slurm spreads a build over the nodes of a cluster, as job arrays whose tasks are shards (sbatch(1), "--array"). The
// dataset's folder, the program and the image cache are on disks that the nodes share.
type Slurm struct {
	Shards  int      // tasks of the array
	Command []string // what makes runs in a dataset's folder: the program and its arguments, without shard and jobs
	Options []string // of sbatch, as they are
}

// SlurmLogs is the folder of a dataset with what the tasks printed: JOB_TASK.log.
const SlurmLogs = "slurm"

// slurmPoll is how often the queue is asked: Slurm tells users nothing by itself.
const slurmPoll = 2 * time.Second

// Check finds out whether jobs can be submitted.
func (s *Slurm) Check() error {
	for _, program := range []string{"sbatch", "squeue", "scancel"} {
		if _, err := exec.LookPath(program); err != nil {
			return runner.RequestError{Err: fmt.Errorf("%s is missing: submit from a machine with Slurm's commands (Debian's package slurm-client)", program)}
		}
	}
	for _, o := range s.Options {
		name, _, _ := strings.Cut(o, "=")
		if slices.Contains([]string{"--array", "-a", "--output", "-o", "--parsable", "--wrap", "--wait", "-W"}, name) {
			return runner.RequestError{Err: fmt.Errorf("sbatch's option %s is the build's own", name)}
		}
	}
	return nil
}

// MakeBySlurm makes the runs that are missing on a cluster. Shards that have runs missing when their task is over (it
// was killed, its node went away) are submitted again as long as that makes runs. When ctx ends, the job is cancelled;
// what is made stays.
func (d *Dataset) MakeBySlurm(ctx context.Context, o Options) (runner.Tally, error) {
	s := o.Slurm
	if err := s.Check(); err != nil {
		return runner.Tally{}, err
	}
	if e := d.Plan.Wanting(); e != nil {
		return runner.Tally{}, d.unshardable(e)
	}
	if err := d.claim(); err != nil {
		return runner.Tally{}, err
	}
	if err := os.MkdirAll(filepath.Join(d.Dir, SlurmLogs), 0o755); err != nil {
		return runner.Tally{}, err
	}
	if o.RetryFailed {
		if err := os.RemoveAll(filepath.Join(d.Dir, Failed)); err != nil {
			return runner.Tally{}, err
		}
	}
	open, missing, err := d.open(s.Shards)
	if err != nil {
		return runner.Tally{}, err
	}
	there := d.Plan.Count() - missing
	for missing > 0 {
		job, err := s.submit(ctx, d, open)
		if err != nil {
			return runner.Tally{}, err
		}
		if err := s.await(ctx, job, func() {
			if o.Report != nil {
				o.Report(runner.Event{Done: d.made(), All: d.Plan.Count()})
			}
		}); err != nil {
			return runner.Tally{}, err
		}
		before := missing
		if open, missing, err = d.open(s.Shards); err != nil {
			return runner.Tally{}, err
		}
		if missing == before {
			return runner.Tally{}, fmt.Errorf("job %s made no run; %d of %d are missing\n%s", job, missing, d.Plan.Count(), d.lastWords(job, open[0]))
		}
	}
	return d.tally(there)
}

// open gives the shards that have runs missing, and how many runs these are.
func (d *Dataset) open(of int) (shards []int, missing int, err error) {
	number := -1
	for r := range d.Plan.Runs() {
		number++
		_, id, err := d.resolve(r)
		if err != nil {
			return nil, 0, err
		}
		if d.has(RunsFolder, id) || d.has(Failed, id) {
			continue
		}
		missing++
		if i := number % of; !slices.Contains(shards, i) {
			shards = append(shards, i)
		}
	}
	slices.Sort(shards)
	return shards, missing, nil
}

func (d *Dataset) has(folder, id string) bool {
	_, err := os.Stat(filepath.Join(d.Dir, folder, id, record.FileName))
	return err == nil
}

// made is how many runs are there, failed ones too.
func (d *Dataset) made() int {
	n := 0
	for _, folder := range []string{RunsFolder, Failed} {
		entries, _ := os.ReadDir(filepath.Join(d.Dir, folder)) // Failed comes with the first that fails
		for _, e := range entries {
			if idPattern.MatchString(e.Name()) {
				n++
			}
		}
	}
	return n
}

// tally counts what is there, after the runs were made.
func (d *Dataset) tally(there int) (runner.Tally, error) {
	t := runner.Tally{There: there}
	for r := range d.Plan.Runs() {
		_, id, err := d.resolve(r)
		if err != nil {
			return t, err
		}
		if !d.has(RunsFolder, id) {
			t.Failed++
			t.Last = fmt.Errorf("run %s", id)
		}
	}
	t.Made = d.Plan.Count() - there - t.Failed
	return t, d.tooMany(t)
}

// submit submits an array of the given shards and gives the number of the job.
func (s *Slurm) submit(ctx context.Context, d *Dataset, shards []int) (string, error) {
	var script strings.Builder
	script.WriteString("#!/bin/sh\nexec")
	for _, word := range append(slices.Clone(s.Command), "--shard", "env/"+strconv.Itoa(s.Shards)) {
		script.WriteString(" '" + strings.ReplaceAll(word, "'", `'\''`) + "'")
	}
	script.WriteString(" --jobs \"${SLURM_CPUS_ON_NODE:-1}\"\n")
	var tasks []string
	for _, i := range shards {
		tasks = append(tasks, strconv.Itoa(i))
	}
	logs, err := filepath.Abs(filepath.Join(d.Dir, SlurmLogs, "%A_%a.log"))
	if err != nil {
		return "", err
	}
	args := append([]string{"--job-name=detgen-" + d.Plan.Dataset, "--requeue"}, s.Options...)
	args = append(args, "--parsable", "--array="+strings.Join(tasks, ","), "--output="+logs)
	cmd := exec.CommandContext(ctx, "sbatch", args...)
	cmd.Stdin = strings.NewReader(script.String())
	out, err := output(cmd)
	if err != nil {
		return "", fmt.Errorf("submit to Slurm: %w", err)
	}
	job, _, _ := strings.Cut(strings.TrimSpace(out), ";") // JOB[;CLUSTER]
	return job, nil
}

// await waits until all tasks of a job are over. When ctx ends, it cancels the job, and waits for that.
func (s *Slurm) await(ctx context.Context, job string, report func()) error {
	tick := time.NewTicker(slurmPoll)
	defer tick.Stop()
	stop := ctx.Done()
	for {
		over, err := s.over(job)
		switch {
		case err != nil:
			return err
		case over && stop == nil:
			return fmt.Errorf("interrupted: job %s is cancelled; what is made stays, and the same command goes on", job)
		case over:
			return nil
		}
		report()
		select {
		case <-stop:
			if _, err := output(exec.Command("scancel", job)); err != nil {
				return fmt.Errorf("cancel job %s: %w", job, err)
			}
			stop = nil
		case <-tick.C:
		}
	}
}

// over asks whether no task of a job waits or runs any more.
func (s *Slurm) over(job string) (bool, error) {
	out, err := output(exec.Command("squeue", "--noheader", "--jobs="+job, "--format=%T"))
	if err != nil && strings.Contains(err.Error(), "Invalid job id") {
		return true, nil // it has been over for long
	}
	return strings.TrimSpace(out) == "", err
}

// lastWords gives the end of what a task printed.
func (d *Dataset) lastWords(job string, task int) string {
	name := filepath.Join(d.Dir, SlurmLogs, fmt.Sprintf("%s_%d.log", job, task))
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return name + ": " + strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// output runs a command of Slurm's; the error has what it said.
func output(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}

// On says where the runs of a build into the folder dir are made: here for "", or on a cluster for "slurm", with this
// configuration and link driver as they were asked for.
func (o *Options) On(where, dir string, s *Slurm, with runner.Config) (err error) {
	switch {
	case where == "slurm":
		o.Slurm = s
		s.Command, err = shardCommand(dir, with)
	case where != "":
		err = runner.RequestError{Err: fmt.Errorf("--on %q: must be slurm", where)}
	case len(s.Options) > 0:
		err = runner.RequestError{Err: fmt.Errorf("%q: options of sbatch go with --on slurm", s.Options)}
	}
	return err
}

// shardCommand is the command that makes a shard of the dataset in a folder as a runner with this configuration would.
func shardCommand(dir string, with runner.Config) ([]string, error) {
	program, err1 := os.Executable()
	dir, err2 := filepath.Abs(dir)
	command := []string{program, "dataset", "build", filepath.Join(dir, PlanFile), "--output", dir}
	var err3 error
	for _, flag := range []struct{ name, value string }{{"catalogue", with.Catalogue}, {"cache", with.Cache}} {
		if flag.value != "" && err3 == nil {
			flag.value, err3 = filepath.Abs(flag.value)
			command = append(command, "--"+flag.name, flag.value)
		}
	}
	if with.Engine != "" {
		command = append(command, "--engine", with.Engine)
	}
	return command, errors.Join(err1, err2, err3)
}
