package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"detgen/internal/helper"
	"detgen/record"
)

// soft is the driver in user space. The switch (softSwitch) runs in a process of its own, so
// that nothing that goes on in this one can hold its frames up: neither other goroutines nor
// the garbage collector. The process has the devices, and ends when this one does.
type soft struct {
	log     *slog.Logger
	ports   []Port
	process *helper.Process
	calls   *helper.Calls[answer]
	logFile *os.File       // in memory; where the process writes the log
	taps    map[string]int // networks -> index of the monitor port's device in the switch's namespace

	mu     sync.Mutex
	closed bool
	after  struct { // what is known after Close; results and log from the last call before, if there was one
		done    chan struct{}
		results []record.LinkResult
		log     *record.LinkLog
		err     error
	}
}

// openSoft makes the TAP devices and starts the switch.
func openSoft(ctx context.Context, seed uint64, switchNS int, ports []Port, monitored []string, log *slog.Logger) (*soft, error) {
	if err := checkOffloads(ports); err != nil {
		return nil, err
	}
	if err := checkQueues(ports); err != nil {
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
	s := &soft{log: log, ports: ports, taps: map[string]int{}}
	for i, network := range monitored {
		fd, index, err := openMonitor(i, switchNS, offload)
		if err != nil {
			return nil, fmt.Errorf("tap of network %q: %w", network, err)
		}
		taps = append(taps, os.NewFile(uintptr(fd), network))
		s.taps[network] = index
	}
	s.after.done = make(chan struct{})
	if err := s.launch(taps); err != nil {
		return nil, fmt.Errorf("start the links' switch: %w", err)
	}
	if _, err := s.ask(ctx, request{Operation: opOpen, Setup: &setup{Seed: seed, Ports: ports, Monitored: monitored}}); err != nil {
		s.calls.Close()
		return nil, fmt.Errorf("start the links' switch: %w", errors.Join(err, s.process.Wait(), s.logFile.Close()))
	}
	return s, nil
}

// checkQueues finds disciplines of queues that only the kernel has.
func checkQueues(ports []Port) error {
	for _, p := range ports {
		for _, d := range p.directions() {
			l := d.link()
			if q := l.Queue; l.Managed() && q != record.CoDel {
				return fmt.Errorf("link of host %q, interface %q: %s: queue %s: the link driver %q has %s and %s; %s is the kernel's (sch_%s): use the link driver %q, which needs a kernel with sch_netem, or --engine exact: %w",
					p.Host, p.Interface, d.name, q, Soft, record.FIFO, record.CoDel, q, q, NetEm, ErrUnsupported)
			}
		}
	}
	return nil
}

// launch starts the process.
func (s *soft) launch(taps []*os.File) error {
	memory, err := unix.MemfdCreate("link log", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open a file in memory: %w", err)
	}
	s.logFile = os.NewFile(uintptr(memory), "link log")
	s.process, err = helper.Start(helper.Command{Args: []string{SwitchRole}, Files: append([]*os.File{s.logFile}, taps...)})
	if err != nil {
		return errors.Join(err, s.logFile.Close())
	}
	s.calls = helper.NewCalls(s.process.Conn, func(answer) {})
	return nil
}

// errGone is the error of a switch that does not answer any more.
var errGone = errors.New("the links' switch has ended")

// ask sends a request and waits for its answer.
func (s *soft) ask(ctx context.Context, r request) (answer, error) {
	a, err := s.calls.Call(ctx, func(number uint64) any { r.ID = number; return r })
	if errors.Is(err, helper.ErrGone) {
		return a, errGone
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	return a, err
}

// Ended implements Driver.
func (s *soft) Ended() <-chan struct{} { return s.calls.Gone() }

// Err implements Driver.
func (s *soft) Err() error {
	if err := s.process.Wait(); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return errGone
}

// Tap implements Driver: the monitor port.
func (s *soft) Tap(network string) ([]int, error) {
	index, ok := s.taps[network]
	if !ok {
		return nil, fmt.Errorf("network %q has no monitor port", network)
	}
	return []int{index}, nil
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after.results = a.Results
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
	log, err := record.ReadLinkLog(s.logFile, math.MaxInt)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after.log = log
	return log, err
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
	s.mu.Lock()
	results, log := s.after.results, s.after.log
	s.mu.Unlock()
	var err error
	if results == nil {
		_, err = s.Results()
	}
	if log == nil && err == nil {
		_, err = s.Log()
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.calls.Close()
	if ended := s.process.Wait(); ended != nil {
		err = errors.Join(err, ended)
	} else if text := s.process.Output(); text != "" {
		s.log.Warn("the links' switch says", "output", text)
	}
	s.logFile.Close()
	s.after.err = err
	close(s.after.done)
	return err
}

func (s *soft) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
