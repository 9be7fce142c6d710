package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"detgen/internal/helper"
	"detgen/record"
)

// SwitchRole is the argument by which this program becomes the soft driver's switch. A
// program that opens links must call Switch first thing when it is its only argument.
const SwitchRole = "--link-switch"

// Descriptors of the switch's process, after that of its control socket; the TAP devices follow, in the order of the ports,
// then those of the monitor ports.
const (
	logDescriptor = helper.Descriptor + 1
	firstTAP      = logDescriptor + 1
)

// setup is what the process begins with.
type setup struct {
	Seed      uint64
	Ports     []Port
	Monitored []string // networks with a monitor port
}

// request is what the process is asked to do; it gives an answer with the same ID.
type request struct {
	ID        uint64
	Operation operation
	Setup     *setup    `json:",omitempty"` // of opOpen
	Time      time.Time // of opStart
}

type operation string

const (
	opOpen    operation = "open" // the first, and the only one until it is answered
	opStart   operation = "start"
	opDrain   operation = "drain"
	opResults operation = "results"
	opLog     operation = "log" // into the log file
)

type answer struct {
	ID      uint64
	Error   string              `json:",omitempty"`
	Results []record.LinkResult `json:",omitempty"`
}

// Replies implements helper.Message.
func (a answer) Replies() uint64 { return a.ID }

// Switch is the main of the soft driver's switch. It returns when the driver closes the
// control socket, or its process ends.
func Switch() error {
	// The log only grows and frames are reused: there is nothing to collect, and a
	// collection would hold frames up.
	debug.SetGCPercent(-1)
	control, logFile := helper.Parent(), os.NewFile(logDescriptor, "link log")
	var first request
	if err := json.NewDecoder(control).Decode(&first); err != nil {
		return fmt.Errorf("read what to do: %w", err)
	}
	asked := first.Setup
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := beOnTime(); err != nil {
		log.Warn("no real-time priority: delays are less exact when processors are busy", "error", err)
	}
	s, err := newSoftSwitch(asked.Seed, asked.Ports, log)
	if err != nil {
		return err
	}
	var taps []int
	for i := range asked.Ports {
		taps = append(taps, firstTAP+i)
	}
	for i, network := range asked.Monitored {
		s.monitors[network] = firstTAP + len(asked.Ports) + i
	}
	if err := s.open(taps); err != nil {
		return err
	}
	defer s.close()
	answers := helper.NewOut(control)
	if err := answers.Send(answer{ID: first.ID}); err != nil {
		return err
	}
	go s.serve(control, answers, logFile)
	return s.run()
}

// beOnTime lets the process run as soon as a frame comes or is due, however busy the hosts keep
// the processors: a link is not slowed by the load of the hosts that it joins. The switch works
// very little at a time, so it takes the processor from nobody for long. Every thread gets the
// same priority, and later ones inherit it: the switch's thread can wait for those of the Go
// runtime, and would wait for ever if it did not let them run.
func beOnTime() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		attributes := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
		if err := unix.SchedSetAttr(id, &attributes, 0); err != nil && err != unix.ESRCH {
			return fmt.Errorf("set the scheduling policy: %w", err)
		}
	}
	return nil
}

// serve answers requests until none come any more, then stops the switch.
func (s *softSwitch) serve(requests io.Reader, answers *helper.Out, logFile *os.File) {
	defer s.stop()
	helper.Serve(requests, func(r request) error {
		// Each on its own: a drain takes its time.
		go func() {
			a := answer{ID: r.ID}
			if err := s.serveOne(r, &a, logFile); err != nil {
				a.Error = err.Error()
			}
			answers.Send(a)
		}()
		return nil
	})
}

func (s *softSwitch) serveOne(r request, a *answer, logFile *os.File) error {
	switch r.Operation {
	case opStart:
		s.start(r.Time)
	case opDrain:
		s.drain()
	case opResults:
		a.Results = s.results()
	case opLog:
		if _, err := logFile.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return errors.Join(logFile.Truncate(0), s.writeLog(logFile))
	default:
		return fmt.Errorf("unknown operation %q", r.Operation)
	}
	return nil
}
