package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
	first    int            // the ID that its root has here
	groups   map[string]int // program -> index of its control group's descriptor
	grouped  bool           // there are control groups
	captures []*capture

	report func(*host, inside.Report) ([]byte, error) // what to do with a helper's call; may block

	calls *helper.Calls[inside.Message] // to the host's init
	ready chan struct{}                 // closed when the init takes requests

	mu       sync.Mutex
	programs map[string]*process
	outputs  map[string]*output // of the programs, and of what runs the host
	views    map[string]*view   // by activity
}

// runtimeOutput is the name of what a container's runtime, or the init, prints.
const runtimeOutput = "runtime"

// process is a program that runs, or ran, in a host.
type process struct {
	name   string
	output *output
	done   chan struct{} // closed when it ended and everything that it printed came
	status int           // valid when done is closed
	end    time.Time
}

// boot starts the host and waits for its init to take requests.
func (h *host) boot(ctx context.Context, l *lab) error {
	log, err := h.open(runtimeOutput)
	if err != nil {
		return err
	}
	conn, err := h.system.start(ctx, l, log)
	if err != nil {
		return err
	}
	h.calls = helper.NewCalls(conn, h.take)
	select {
	case <-h.ready:
		return nil
	case <-h.failed():
		return fmt.Errorf("start host %q: %s", h.Name, h.tail(runtimeOutput))
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
	case inside.Printed:
		if p != nil {
			p.output.Write(m.Content)
		}
	case inside.Reported:
		m.Report.Time = h.when(m.Report.Time)
		go func() {
			answer := inside.Request{Operation: inside.Answer, Call: m.Call}
			var err error
			if answer.Content, err = h.report(h, *m.Report); err != nil {
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
		return m, fmt.Errorf("host %q ended: %s", h.Name, h.tail(runtimeOutput))
	}
	if err == nil && m.Error != "" {
		err = errors.New(m.Error)
	}
	return m, err
}

// run starts a program in the host, in the control group of the owner.
func (h *host) run(ctx context.Context, owner string, r inside.Request) (*process, error) {
	group, ok := h.groups[owner]
	if !ok {
		return nil, fmt.Errorf("host %q: %s: %q has no control group there", h.Name, r.Program, owner)
	}
	o, err := h.open(r.Program)
	if err != nil {
		return nil, fmt.Errorf("host %q: log of %s: %w", h.Name, r.Program, err)
	}
	p := &process{name: r.Program, output: o, done: make(chan struct{})}
	h.mu.Lock()
	h.programs[r.Program] = p
	h.mu.Unlock()
	r.Operation = inside.Start
	if h.grouped {
		r.Group = inside.FirstGroup + group
	}
	if _, err := h.request(ctx, r); err != nil {
		return nil, fmt.Errorf("host %q: start %s: %w (image %q)", h.Name, r.Program, err, h.Image)
	}
	return p, nil
}

// open makes the log of a program.
func (h *host) open(program string) (*output, error) {
	o, err := openOutput(h.logs, program)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outputs[program] = o
	return o, nil
}

// output gives what a program printed.
func (h *host) output(program string) (*output, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if o := h.outputs[program]; o != nil {
		return o, nil
	}
	return nil, fmt.Errorf("host %q has not started %q", h.Name, program)
}

// tail gives the last lines that a program printed, for an error message.
func (h *host) tail(program string) string {
	o, err := h.output(program)
	if err != nil {
		return err.Error()
	}
	return o.tail()
}

// ended is the error of a host that is no more while it should be.
func (h *host) ended() error {
	return fmt.Errorf("host %q ended while the run went on: %s%s", h.Name, h.tail(runtimeOutput), h.outOfMemory())
}

// readLog answers the helper log: a part of a program's log or, with a pattern, as many lines of it as are asked for, when
// they have come. The log begins for an activity when the activity does.
func (h *host) readLog(r inside.Report) ([]byte, error) {
	o, err := h.output(r.Name)
	if err != nil {
		return nil, err
	}
	v, err := h.viewOf(r.Activity)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	begin := v.printed[r.Name]
	h.mu.Unlock()
	if r.Value == "" {
		return o.part(begin+r.Offset, inside.LogPart)
	}
	pattern, err := regexp.Compile(r.Value)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the host's end is the end of waiting
		select {
		case <-h.calls.Gone():
			cancel()
		case <-ctx.Done():
		}
	}()
	lines, err := o.await(ctx, begin, pattern, r.Count, nil)
	return lines[:min(len(lines), inside.LogPart)], err
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

// closeOutputs ends the logs.
func (h *host) closeOutputs() (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.outputs {
		err = errors.Join(err, o.close())
	}
	return err
}
