package runner

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"detgen/record"
	"detgen/scenario"
)

// Jobs gives the runs of a spec, which has a seed: one as the directory out; with a count the runs of that many seeds,
// one after the other, in it.
func Jobs(spec *scenario.Spec, out string) iter.Seq[Job] {
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

// String is for a person who waits: what a run does, or how many are made, how fast, and how long it takes until all
// are; "" where there is nothing to wait for.
func (e Event) String() string {
	switch {
	case e.Stage != "":
		return Name(strings.TrimSpace(e.Job.Spec.Title()), e.Job.Seed) + ": " + e.Stage
	case e.All <= 1:
		return ""
	}
	text := fmt.Sprintf("%d of %d runs", e.Done, e.All)
	if e.Left > 0 {
		text += fmt.Sprintf(", %.2g a second, %s left", float64(e.All-e.Done)/e.Left.Seconds(), Rounded(e.Left))
	}
	return text
}

// Rounded rounds a time to what a person who waits wants to know of it.
func Rounded(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
