package runner

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"

	"detgen/internal/progress"
	"detgen/record"
	"detgen/scenario"
)

// jobs gives the runs of a spec, which has a seed: one as the directory out; with a count the runs of that many seeds,
// one after the other, in it.
func jobs(spec *scenario.Spec, out string) iter.Seq[Job] {
	return func(yield func(Job) bool) {
		for i := range spec.Count {
			job := Job{Spec: spec, Seed: *spec.Seed + uint64(i), Dir: out}
			if spec.Count > 1 {
				job.Dir = filepath.Join(out, Name(spec.Title(), job.Seed))
			}
			if !yield(job) {
				return
			}
		}
	}
}

// Summary is what is printed of a run that is over.
type Summary struct {
	Task    string        `json:"task"`
	Seed    uint64        `json:"seed"`
	Status  record.Status `json:"status"`
	Error   string        `json:"error,omitempty"`
	Dir     string        `json:"dir"`
	Frames  uint64        `json:"frames"` // in all captures
	Seconds float64       `json:"seconds"`

	there bool
}

// Summary gives what is printed of the run of an event, nil when the event is not a run's end.
func (e *Event) Summary() *Summary {
	if !e.Ended || e.Made == nil {
		return nil
	}
	s := &Summary{
		Task: e.Job.Spec.Title(), Seed: e.Job.Seed, Status: e.Made.Result.Status, Error: e.Made.Result.Error,
		Dir: e.Job.Dir, Seconds: e.Took.Seconds(), there: e.There,
	}
	for _, c := range e.Made.Result.Captures {
		s.Frames += c.Frames
	}
	return s
}

// WriteText writes the line that a person reads.
func (s *Summary) WriteText(out io.Writer) error {
	took := fmt.Sprintf("%.2f s", s.Seconds)
	if s.there {
		took = "was there"
	}
	_, err := fmt.Fprintf(out, "%s  seed %d  %s  %d frames  %s  %s\n", s.Task, s.Seed, s.Status, s.Frames, took, s.Dir)
	return err
}

// Follow gives what shows on a line how far a batch is: what a run does, or how many of several are made.
func Follow(line *progress.Line) func(Event) {
	return func(e Event) {
		switch {
		case e.Stage != "":
			line.Show(Name(strings.TrimSpace(e.Job.Spec.Title()), e.Job.Seed) + ": " + e.Stage)
		case e.All > 1:
			line.Left("runs", e.Done, e.All, e.Left)
		}
	}
}
