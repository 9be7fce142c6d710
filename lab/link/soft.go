package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// soft is the driver in user space. The switch (softSwitch) runs in a process of its own, so
// that nothing that goes on in this one can hold its frames up: neither other goroutines nor
// the garbage collector. The process has the devices, and ends when this one does.
type soft struct {
	log      *slog.Logger
	ports    []Port
	process  *exec.Cmd
	output   bytes.Buffer // of the process; complete when it has ended
	control  *os.File     // connected socket: requests go out, answers come in
	logFile  *os.File     // in memory; where the process writes the log
	answered chan struct{}

	mu      sync.Mutex
	ids     int
	waiting map[int]chan<- answer // who waits for an answer
	gone    bool                  // no more answers come
	closed  bool
	after   struct { // what is known after Close
		done    chan struct{}
		results []record.LinkResult
		log     *record.LinkLog
		err     error
	}
}

// openSoft makes the TAP devices and starts the switch.
func openSoft(ctx context.Context, seed uint64, ports []Port, log *slog.Logger) (*soft, error) {
	if err := checkOffloads(ports); err != nil {
		return nil, err
	}
	var taps []*os.File
	defer func() {
		for _, f := range taps {
			f.Close()
		}
	}()
	offload := slices.ContainsFunc(ports, func(p Port) bool { return p.Offload })
	for _, p := range ports {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fd, err := openTAP(p, offload)
		if err != nil {
			return nil, fmt.Errorf("link of host %q: %w", p.Host, err)
		}
		taps = append(taps, os.NewFile(uintptr(fd), p.Host+"/"+p.Interface))
	}
	s := &soft{log: log, ports: ports, waiting: map[int]chan<- answer{}, answered: make(chan struct{})}
	s.after.done = make(chan struct{})
	if err := s.launch(seed, taps); err != nil {
		return nil, fmt.Errorf("start the links' switch: %w", err)
	}
	if _, err := s.ask(ctx, request{Operation: opReady}); err != nil {
		s.Close()
		return nil, fmt.Errorf("start the links' switch: %w", err)
	}
	return s, nil
}

// launch starts the process and tells it about the ports.
func (s *soft) launch(seed uint64, taps []*os.File) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket pair: %w", err)
	}
	far := os.NewFile(uintptr(pair[1]), "control")
	defer far.Close()
	if err := unix.SetNonblock(pair[0], true); err != nil { // so that Close ends a read
		unix.Close(pair[0])
		return err
	}
	s.control = os.NewFile(uintptr(pair[0]), "control")
	memory, err := unix.MemfdCreate("link log", unix.MFD_CLOEXEC)
	if err != nil {
		s.control.Close()
		return fmt.Errorf("open a file in memory: %w", err)
	}
	s.logFile = os.NewFile(uintptr(memory), "link log")
	s.process = exec.Command("/proc/self/exe", SwitchRole)
	s.process.Stderr = &s.output
	s.process.ExtraFiles = append([]*os.File{far, s.logFile}, taps...)
	if err := s.process.Start(); err != nil {
		s.control.Close()
		s.logFile.Close()
		return err
	}
	go s.takeAnswers()
	// An error shows in the first answer, which does not come.
	json.NewEncoder(s.control).Encode(setup{Seed: seed, Ports: s.ports})
	return nil
}

// takeAnswers hands answers to who waits for them, until none come any more.
func (s *soft) takeAnswers() {
	defer close(s.answered)
	answers := json.NewDecoder(s.control)
	for {
		var a answer
		err := answers.Decode(&a)
		s.mu.Lock()
		if err != nil {
			s.gone = true
			for _, w := range s.waiting {
				close(w)
			}
			s.mu.Unlock()
			return
		}
		if w := s.waiting[a.ID]; w != nil {
			delete(s.waiting, a.ID)
			w <- a
		}
		s.mu.Unlock()
	}
}

// errGone is the error of a switch that does not answer any more.
var errGone = errors.New("the links' switch has ended")

// ask sends a request and waits for its answer.
func (s *soft) ask(ctx context.Context, r request) (answer, error) {
	wait := make(chan answer, 1)
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return answer{}, errGone
	}
	s.ids++
	r.ID = s.ids
	s.waiting[r.ID] = wait
	err := json.NewEncoder(s.control).Encode(r)
	s.mu.Unlock()
	if err != nil {
		return answer{}, fmt.Errorf("%w (%w)", errGone, err)
	}
	select {
	case a, ok := <-wait:
		if !ok {
			return answer{}, errGone
		}
		if a.Error != "" {
			return answer{}, errors.New(a.Error)
		}
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// Name implements Driver.
func (s *soft) Name() string { return Soft }

// Start implements Driver.
func (s *soft) Start(t time.Time) {
	if _, err := s.ask(context.Background(), request{Operation: opStart, Time: t}); err != nil {
		s.log.Error("start the links' schedule", "error", err)
	}
}

// Drain implements Driver.
func (s *soft) Drain(ctx context.Context) error {
	if _, err := s.ask(ctx, request{Operation: opDrain}); err != nil {
		return fmt.Errorf("wait for frames under way: %w", err)
	}
	return nil
}

// Results implements Driver.
func (s *soft) Results() ([]record.LinkResult, error) {
	if s.isClosed() {
		<-s.after.done
		return s.after.results, s.after.err
	}
	a, err := s.ask(context.Background(), request{Operation: opResults})
	if err != nil {
		return nil, err
	}
	for i, p := range s.ports {
		// Results come in the order up, down.
		if a.Results[2*i].Overruns, err = overruns(p); err != nil {
			return nil, fmt.Errorf("link of host %q: %w", p.Host, err)
		}
	}
	return a.Results, nil
}

// Log implements DecisionLog.
func (s *soft) Log() (*record.LinkLog, error) {
	if s.isClosed() {
		<-s.after.done
		return s.after.log, s.after.err
	}
	if _, err := s.ask(context.Background(), request{Operation: opLog}); err != nil {
		return nil, err
	}
	if _, err := s.logFile.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return record.ReadLinkLog(s.logFile)
}

// Close implements Driver.
func (s *soft) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.mu.Unlock()
	if !first {
		<-s.after.done
		return s.after.err
	}
	results, err := s.Results()
	var log *record.LinkLog
	if err == nil {
		log, err = s.Log()
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.control.Close()
	<-s.answered
	if wait := s.process.Wait(); err == nil {
		err = wait
	}
	s.logFile.Close()
	if text := strings.TrimSpace(s.output.String()); text != "" {
		if err != nil {
			err = fmt.Errorf("%w: %s", err, text)
		} else {
			s.log.Warn("the links' switch says", "output", text)
		}
	}
	s.after.results, s.after.log, s.after.err = results, log, err
	close(s.after.done)
	return err
}

func (s *soft) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
