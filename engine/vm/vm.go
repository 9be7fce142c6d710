// Package vm runs labs the way that traffic for datasets like UGR-16 and CICIDS-17 was made, to compare the
// other engines with (Section 5 and Fig. 5 of the paper): each host is an ordinary virtual machine with a whole
// Debian system, whose timers, time synchronisation, name service and discovery go on during the task, joined by
// bridges to the same links, and captured at the same places, as on the live engine. Machines start with the
// first run that needs them and stay up, so that caches, logs and the kernel's memory go from run to run.
package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"detgen/engine"
	"detgen/internal/helper"
	"detgen/record"
)

// Name is the engine's name.
const Name = "vm"

// Config is what an engine is made of.
type Config struct {
	Cache  string   // directory of what is kept between batches of runs; made when it is missing
	Digest string   // of the image named Image
	Layers []string // directories of its root, top layer first
}

// Engine keeps machines up for a batch of runs. Runs go one after the other.
type Engine struct {
	system system
	parts  string

	mu         sync.Mutex  // of a run, and of everything below
	supervisor *supervisor // nil before the first run, and after an interrupt
}

// Open gives an engine. It makes the machines' disk when the cache does not have it. The caller closes it.
func Open(ctx context.Context, c Config) (*Engine, error) {
	s, err := find(ctx, c.Cache, c.Digest, c.Layers)
	if err != nil {
		return nil, err
	}
	parts := filepath.Join(c.Cache, "vm", "parts")
	if err := os.MkdirAll(parts, 0o755); err != nil {
		return nil, err
	}
	return &Engine{system: s, parts: parts}, nil
}

// Close ends the machines.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end()
	return nil
}

func (e *Engine) end() {
	if e.supervisor != nil {
		e.supervisor.end()
		e.supervisor = nil
	}
}

// Run executes run on the machines. The result is not nil when the lab got as far as starting; an error with
// it tells why the run failed. When ctx ends, so do the machines; the next run starts others.
func (e *Engine) Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	begin := time.Now()
	if err := Supports(run); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.supervisor == nil {
		var err error
		if e.supervisor, err = startSupervisor(); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, e.supervisor.Kill)
	defer stop()
	m, err := e.supervisor.do(request{Run: run, Dir: dir, Layers: o.Images, System: e.system, Parts: e.parts}, o.Progress)
	if err != nil || ctx.Err() != nil {
		e.end()
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	}
	if m.Result != nil {
		m.Result.WallTime = record.Duration(time.Since(begin))
	}
	if m.Error != "" {
		return m.Result, errors.New(m.Error)
	}
	return m.Result, nil
}

// Supports finds what the machines cannot do.
func Supports(run *record.Run) error {
	for _, h := range run.Hosts {
		if h.Transport.Offload {
			return fmt.Errorf("host %q: the vm engine has no offloads: its frames never exceed the MTU", h.Name)
		}
		if h.Transport.IPv6 {
			return fmt.Errorf("host %q: the vm engine cannot say which program sent over IPv6, which its systems speak anyway: leave transport.ipv6 off and network.family at ipv4", h.Name)
		}
		if h.CPU > 0 {
			return fmt.Errorf("host %q: the vm engine does not limit a host's CPU", h.Name)
		}
	}
	return nil
}

// supervisor is the process with the machines, as the engine sees it.
type supervisor struct {
	*helper.Process
	calls    *helper.Calls[message]
	progress func(string) // of the run that is made
}

// startSupervisor starts the process. Everything in its namespaces ends with it.
func startSupervisor() (*supervisor, error) {
	p, err := helper.Start(helper.Command{Args: []string{supervisorRole}, Namespaces: helper.Isolated})
	if err != nil {
		return nil, fmt.Errorf("the machines' supervisor: %w", err)
	}
	s := &supervisor{Process: p}
	s.calls = helper.NewCalls(p.Conn, func(m message) {
		if s.progress != nil {
			s.progress(m.Progress)
		}
	})
	return s, nil
}

// do lets the supervisor make one run.
func (s *supervisor) do(r request, progress func(string)) (message, error) {
	s.progress = progress // no message comes between runs
	m, err := s.calls.Call(context.Background(), func(number uint64) any { r.ID = number; return r })
	if err != nil {
		s.Kill()
		err = fmt.Errorf("the machines' supervisor ended without a result: %w", errors.Join(err, s.Wait()))
	}
	return m, err
}

// end ends the supervisor and the machines.
func (s *supervisor) end() {
	s.Kill()
	<-s.Ended()
	s.calls.Close()
}
