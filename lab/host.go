package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"detgen/internal/helper"
	"detgen/lab/inside"
	"detgen/lab/internal/network"
	"detgen/record"
)

// host is one host of a lab while it lives.
type host struct {
	*record.Host
	system
	id       string // of its container and control group
	dir      string // its bundle
	logs     string
	net      *network.Namespace
	groups   map[string]int // program -> index of its control group's descriptor
	captures []*capture

	report func(*host, inside.Report) error // what to do with a helper's call; may block

	calls *helper.Calls[inside.Message] // to the host's init
	ready chan struct{}                 // closed when the init takes requests

	mu       sync.Mutex
	programs map[string]*process
}

// process is a program that runs, or ran, in a host.
type process struct {
	name    string
	matched chan time.Time // one for each matching line, as long as there is room
	done    chan struct{}  // closed when it ended
	status  int            // valid when done is closed
	end     time.Time
}

// boot starts the host and waits for its init to take requests.
func (h *host) boot(ctx context.Context, l *lab) error {
	conn, err := h.system.start(ctx, l)
	if err != nil {
		return err
	}
	h.calls = helper.NewCalls(conn, h.take)
	select {
	case <-h.ready:
		return nil
	case <-h.failed():
		return fmt.Errorf("start host %q: %s", h.Name, h.tail("runtime"))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take takes an event of the host's init.
func (h *host) take(m inside.Message) {
	m.Time = h.when(m.Time)
	h.mu.Lock()
	p := h.programs[m.Program]
	h.mu.Unlock()
	switch m.Event {
	case inside.Ready:
		close(h.ready)
	case inside.Exited:
		if p != nil {
			p.status, p.end = m.Status, m.Time
			close(p.done)
		}
	case inside.Matched:
		select {
		case p.matched <- m.Time:
		default:
		}
	case inside.Reported:
		m.Report.Time = h.when(m.Report.Time)
		go func() {
			answer := inside.Request{Operation: inside.Answer, Call: m.Call}
			if err := h.report(h, *m.Report); err != nil {
				answer.Error = err.Error()
			}
			h.request(context.Background(), answer)
		}()
	}
}

// request sends a request to the host's init and waits for the reply.
func (h *host) request(ctx context.Context, r inside.Request) (inside.Message, error) {
	m, err := h.calls.Call(ctx, func(number uint64) any { r.ID = number; return r })
	if errors.Is(err, helper.ErrGone) {
		return m, fmt.Errorf("host %q ended: %s", h.Name, h.tail("runtime"))
	}
	if err == nil && m.Error != "" {
		err = errors.New(m.Error)
	}
	return m, err
}

// run starts a program in the host, in the control group of the owner.
func (h *host) run(ctx context.Context, owner string, r inside.Request) (*process, error) {
	p := &process{name: r.Program, done: make(chan struct{}), matched: make(chan time.Time, 256)}
	h.mu.Lock()
	h.programs[r.Program] = p
	h.mu.Unlock()
	r.Operation = inside.Start
	r.Group = inside.FirstGroup + h.groups[owner]
	if _, err := h.request(ctx, r); err != nil {
		return nil, fmt.Errorf("host %q: start %s: %w (image %q)", h.Name, r.Program, err, h.Image)
	}
	return p, nil
}

// tail gives the last lines of a program's log, for an error message.
func (h *host) tail(program string) string {
	content, err := os.ReadFile(filepath.Join(h.logs, program+".log"))
	if err != nil {
		return err.Error()
	}
	const most = 8
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	if len(lines) == 1 {
		if lines[0] == "" {
			return "it printed nothing"
		}
		return "it printed: " + lines[0]
	}
	return "its last lines:\n  " + strings.Join(lines, "\n  ")
}

// outOfMemory says whether the kernel killed a program of the host because there was no memory
// left, its own or the computer's, and gives what to add to an error message then: "" if not.
// (memory.events, Documentation/admin-guide/cgroup-v2.rst; memory.oom_control in version 1.)
func (h *host) outOfMemory() string {
	for _, file := range []string{
		filepath.Join("/sys/fs/cgroup", h.id, "memory.events"),
		filepath.Join("/sys/fs/cgroup/memory", h.id, "memory.oom_control"),
	} {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(content)) {
			if killed, ok := strings.CutPrefix(line, "oom_kill "); ok && strings.TrimSpace(killed) != "0" {
				return fmt.Sprintf("; memory ran out and the kernel killed a program of the host, whose limit is %d MiB", h.Memory>>20)
			}
		}
	}
	return ""
}

// close ends the host with everything in it.
func (h *host) close() error {
	err := h.stop()
	if h.net != nil {
		h.net.Close()
	}
	return err
}
