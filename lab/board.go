package lab

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"detgen/lab/inside"
	"detgen/record"
)

// board keeps what the activities' scripts report: phases, outcomes, and signals between
// hosts.
type board struct {
	run *record.Run

	mu      sync.Mutex // of everything below
	tasks   bool       // the tasks have started: reports before that are of the warm-up
	signals map[signalKey]chan struct{}
	done    []record.ActivityResult
	open    map[string]*record.Phase // by activity, host and program: the phase it is in
	errs    []error
}

func newBoard(run *record.Run) *board {
	b := &board{run: run, signals: map[signalKey]chan struct{}{}, open: map[string]*record.Phase{}}
	for _, a := range run.Activities {
		b.done = append(b.done, record.ActivityResult{Name: a.Name, Outcome: map[string]string{}})
	}
	return b
}

func (b *board) index(activity string) int {
	return slices.IndexFunc(b.run.Activities, func(a record.Activity) bool { return a.Name == activity })
}

// report takes a helper's call. It blocks for await.
func (b *board) report(h *host, r inside.Report) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(r.Activity)
	if i < 0 {
		return fmt.Errorf("no activity %q", r.Activity)
	}
	switch r.Helper {
	case "phase":
		if !b.tasks {
			return nil
		}
		if a := &b.run.Activities[i]; !slices.Contains(a.Phases, r.Name) {
			err := fmt.Errorf("phase %q is not declared by %s/%s; it has %s", r.Name, a.Scenario, a.Task, strings.Join(a.Phases, ", "))
			b.errs = append(b.errs, err)
			return err
		}
		b.closePhase(i, h.Name, r.Program, r.Time)
		b.open[phaseKey(i, h.Name, r.Program)] = &record.Phase{Host: h.Name, Name: r.Name, Start: r.Time}
	case "outcome":
		if b.tasks {
			b.done[i].Outcome[r.Name] = r.Value
		}
	case "signal":
		if c := b.signal(i, r.Name); c != closed {
			close(c)
			b.signals[signalKey{i, r.Name}] = closed
		}
	case "await":
		c := b.signal(i, r.Name)
		b.mu.Unlock()
		select {
		case <-c:
		case <-h.calls.Gone(): // and the helper with it
		}
		b.mu.Lock()
	default:
		return fmt.Errorf("unknown helper %q", r.Helper)
	}
	return nil
}

// closed stands for a signal that was given; giving it again changes nothing.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// signalKey names a signal: those of one activity are not another's.
type signalKey struct {
	activity int
	name     string
}

func (b *board) signal(activity int, name string) chan struct{} {
	key := signalKey{activity, name}
	c := b.signals[key]
	if c == nil {
		c = make(chan struct{})
		b.signals[key] = c
	}
	return c
}

func phaseKey(i int, host, program string) string { return fmt.Sprintf("%d/%s/%s", i, host, program) }

func (b *board) closePhase(i int, host, program string, end time.Time) {
	key := phaseKey(i, host, program)
	if p := b.open[key]; p != nil {
		p.End = end
		b.done[i].Phases = append(b.done[i].Phases, *p)
		delete(b.open, key)
	}
}

// startTasks ends the warm-up: what is reported from now on counts.
func (b *board) startTasks() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tasks = true
}

func (b *board) began(i int, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[i].Start = now
}

func (b *board) ended(i int, exits []record.Exit, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done[i].End, b.done[i].Exits = now, exits
	for _, key := range slices.Sorted(maps.Keys(b.open)) {
		if !strings.HasPrefix(key, fmt.Sprintf("%d/", i)) {
			continue
		}
		p, end := b.open[key], now
		for _, e := range exits {
			if e.Host == p.Host && !e.Time.IsZero() {
				end = e.Time
			}
		}
		p.End = end
		b.done[i].Phases = append(b.done[i].Phases, *p)
		delete(b.open, key)
	}
	slices.SortStableFunc(b.done[i].Phases, func(p, q record.Phase) int { return p.Start.Compare(q.Start) })
}

func (b *board) results() []record.ActivityResult {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.done
}

// checkOutcome compares what an activity expects with what its scripts reported.
func checkOutcome(a *record.Activity, r *record.ActivityResult) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(a.Expect)) {
		want := a.Expect[key]
		got, ok := r.Outcome[key]
		if !ok {
			errs = append(errs, fmt.Errorf("outcome %s was not reported, expected %s", key, want))
			continue
		}
		if match, err := record.Match(want, got); err != nil {
			errs = append(errs, err)
		} else if !match {
			errs = append(errs, fmt.Errorf("outcome %s is %q, expected %s", key, got, want))
		}
	}
	for _, name := range a.Phases {
		if !slices.ContainsFunc(r.Phases, func(p record.Phase) bool { return p.Name == name }) {
			errs = append(errs, fmt.Errorf("phase %s was not marked", name))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%s/%s (%s): %w", a.Scenario, a.Task, a.Name, errors.Join(errs...))
	}
	return nil
}

// check compares every activity's outcome with what it expects.
func (l *lab) check() error {
	for i := range l.run.Activities {
		if err := checkOutcome(&l.run.Activities[i], &l.result.Activities[i]); err != nil {
			return err
		}
	}
	return nil
}
