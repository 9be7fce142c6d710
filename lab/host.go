package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"detgen/lab/inside"
	"detgen/record"
)

// host is one host of a lab while it lives.
type host struct {
	*record.Host
	id        string // of its container and control group
	dir       string // its bundle
	logs      string
	net       *namespace
	owners    *owners
	groups    map[string]int // program -> index of its control group's descriptor
	captures  []*capture
	container *exec.Cmd
	ended     chan struct{} // closed when the container's runtime, or the machine, has ended

	machine Machine  // instead of a container; nil for one
	plugged []string // its cards that are in the host's namespace
	rootDir string   // in the machine: where the host's root is

	report func(*host, inside.Report) error // what to do with a helper's call; may block

	mu       sync.Mutex // of everything below
	conn     io.ReadWriteCloser
	lastID   uint64
	replies  map[uint64]chan inside.Message
	programs map[string]*process
	ready    chan struct{} // closed when the init takes requests
	gone     chan struct{} // closed when the init's connection ended
}

// process is a program that runs, or ran, in a host.
type process struct {
	name    string
	matched chan time.Time // one for each matching line, as long as there is room
	done    chan struct{}  // closed when it ended
	status  int            // valid when done is closed
	end     time.Time
}

// connect starts talking to the host's init.
func (h *host) connect(conn io.ReadWriteCloser) {
	h.conn = conn
	h.replies = map[uint64]chan inside.Message{}
	h.programs = map[string]*process{}
	h.ready, h.gone = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(h.gone)
		messages := json.NewDecoder(conn)
		for {
			var m inside.Message
			if err := messages.Decode(&m); err != nil {
				return
			}
			if h.machine != nil {
				onThisClock(&m)
			}
			h.receive(m)
		}
	}()
}

func (h *host) receive(m inside.Message) {
	if m.Reply != 0 {
		h.mu.Lock()
		reply := h.replies[m.Reply]
		delete(h.replies, m.Reply)
		h.mu.Unlock()
		reply <- m
		return
	}
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
	reply := make(chan inside.Message, 1)
	h.mu.Lock()
	h.lastID++
	r.ID = h.lastID
	h.replies[r.ID] = reply
	line, err := json.Marshal(r)
	if err == nil {
		_, err = h.conn.Write(append(line, '\n'))
	}
	h.mu.Unlock()
	if err != nil {
		return inside.Message{}, fmt.Errorf("host %q: %w", h.Name, err)
	}
	select {
	case m := <-reply:
		if m.Error != "" {
			return m, errors.New(m.Error)
		}
		return m, nil
	case <-h.gone:
		return inside.Message{}, fmt.Errorf("host %q ended: %s", h.Name, h.tail("runtime"))
	case <-ctx.Done():
		return inside.Message{}, context.Cause(ctx)
	}
}

// awaitInit waits for the host's init to take requests.
func (h *host) awaitInit(ctx context.Context) error {
	ended := h.ended // a container's runtime says why before it ends
	if h.machine != nil {
		ended = h.gone // the machine goes on without it
	}
	select {
	case <-h.ready:
		return nil
	case <-ended:
		return fmt.Errorf("start host %q: %s", h.Name, h.tail("runtime"))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// start starts a program in the host, in the control group of the owner.
func (h *host) start(ctx context.Context, owner string, r inside.Request) (*process, error) {
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
// left, its own or the machine's, and gives what to add to an error message then: "" if not.
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

// stop ends the host with everything in it.
func (h *host) stop() {
	if h.conn != nil {
		h.conn.Close()
	}
	if h.container != nil {
		// The init ends when its connection does, and with it the kernel ends every process of
		// the host.
		<-h.ended
	}
	if h.net != nil {
		h.net.close()
	}
}
