package runner

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"detgen/internal/progress"
	"detgen/record"
	"detgen/scenario"
)

// JobsOf gives the runs of a spec: one as the directory out, several in it.
func JobsOf(spec *scenario.Spec, out string) iter.Seq[Job] {
	return func(yield func(Job) bool) {
		for i := range spec.Count {
			job := Job{Spec: spec, Seed: *spec.Seed + uint64(i), Dir: out}
			if spec.Count > 1 {
				job.Dir = filepath.Join(out, Name(spec.Task, job.Seed))
			}
			if !yield(job) {
				return
			}
		}
	}
}

// Follow shows how far a batch is.
func Follow(line *progress.Line) func(Event) {
	return func(e Event) {
		switch {
		case e.Stage != "":
			line.Stage(Name(strings.TrimSpace(e.Job.Spec.Task), e.Job.Seed), e.Stage)
		case e.All > 1:
			line.Left("runs", e.Done, e.All, e.Left)
		}
	}
}

// printedRun is what is printed of a run.
type printedRun struct {
	Task    string        `json:"task"`
	Seed    uint64        `json:"seed"`
	Status  record.Status `json:"status"`
	Error   string        `json:"error,omitempty"`
	Dir     string        `json:"dir"`
	Frames  uint64        `json:"frames"` // in all captures
	Seconds float64       `json:"seconds"`
}

// Print writes a line about a run that was made, as text or as JSON.
func (e *Event) Print(out io.Writer, asJSON bool) error {
	p := printedRun{
		Task: e.Job.Spec.Task, Seed: e.Job.Seed, Status: e.Made.Result.Status, Error: e.Made.Result.Error,
		Dir: e.Job.Dir, Seconds: e.Took.Seconds(),
	}
	for _, c := range e.Made.Result.Captures {
		p.Frames += c.Frames
	}
	if asJSON {
		return json.NewEncoder(out).Encode(p)
	}
	took := fmt.Sprintf("%.2f s", p.Seconds)
	if e.There {
		took = "was there"
	}
	_, err := fmt.Fprintf(out, "%s  seed %d  %s  %d frames  %s  %s\n", p.Task, p.Seed, p.Status, p.Frames, took, p.Dir)
	return err
}
