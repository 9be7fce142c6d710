package link

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// SwitchRole is the argument by which this program becomes the soft driver's switch. A
// program that opens links must call Switch first thing when it is its only argument.
const SwitchRole = "--link-switch"

// Descriptors of the switch's process; the TAP devices follow, in the order of the ports.
const (
	controlDescriptor = 3
	logDescriptor     = 4
	firstTAP          = 5
)

// setup is the first thing that the process reads from its control socket.
type setup struct {
	Seed  uint64
	Ports []Port
}

// request is what the process is asked to do; it gives an answer with the same ID.
type request struct {
	ID        int
	Operation operation
	Time      time.Time // of opStart
}

type operation string

const (
	opReady   operation = "ready"
	opStart   operation = "start"
	opDrain   operation = "drain"
	opResults operation = "results"
	opLog     operation = "log" // into the log file
)

type answer struct {
	ID      int
	Error   string              `json:",omitempty"`
	Results []record.LinkResult `json:",omitempty"`
}

// Switch is the main of the soft driver's switch. It returns when the driver closes the
// control socket, or its process ends.
func Switch() error {
	// A terminal's interrupt is for the program that has the links.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	// The log only grows and frames are reused: there is nothing to collect, and a
	// collection would hold frames up.
	debug.SetGCPercent(-1)
	control, logFile := os.NewFile(controlDescriptor, "control"), os.NewFile(logDescriptor, "link log")
	requests := json.NewDecoder(control)
	var asked setup
	if err := requests.Decode(&asked); err != nil {
		return fmt.Errorf("read what to do: %w", err)
	}
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
	if err := s.open(taps); err != nil {
		return err
	}
	defer s.close()
	go s.serve(requests, json.NewEncoder(control), logFile)
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
func (s *softSwitch) serve(requests *json.Decoder, answers *json.Encoder, logFile *os.File) {
	defer s.stop()
	var writing sync.Mutex
	for {
		var r request
		if err := requests.Decode(&r); err != nil {
			return
		}
		// Each on its own: a drain takes its time.
		go func() {
			a := answer{ID: r.ID}
			if err := s.serveOne(r, &a, logFile); err != nil {
				a.Error = err.Error()
			}
			writing.Lock()
			defer writing.Unlock()
			answers.Encode(a)
		}()
	}
}

func (s *softSwitch) serveOne(r request, a *answer, logFile *os.File) error {
	switch r.Operation {
	case opReady:
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
