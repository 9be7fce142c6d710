package vm

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"detgen/engine/vm/internal/agent"
	"detgen/engine/vm/internal/wire"
	"detgen/internal/helper"
	"detgen/lab"
	"detgen/record"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// bootLimit is how long a machine may take to start. Without KVM, on a busy computer, a system takes minutes.
const bootLimit = 30 * time.Minute

// Role gives the main of what this program is besides the user's command, by its arguments: the supervisor of
// the machines, or a part of the agent in one. It is nil for others.
func Role(name string) func() error {
	switch name {
	case supervisorRole:
		return supervise
	case wire.AgentRole:
		return agent.Main
	case wire.HostRole:
		return agent.Host
	}
	return nil
}

// supervisorRole is the argument by which this program becomes a supervisor.
const supervisorRole = "vm-supervisor"

// request is what the supervisor is told for each run.
type request struct {
	ID     uint64
	Run    *record.Run
	Dir    string              // receives captures/ and logs/
	Layers map[string][]string // image digest -> packed layers, top first
	System system
	Parts  string // an existing directory that the supervisor mounts on
}

// message is what it tells: that a stage begins, or how the run of a request went.
type message struct {
	Reply    uint64         `json:"reply,omitempty"`
	Progress string         `json:"progress,omitempty"`
	Result   *record.Result `json:"result,omitempty"`
	Error    string         `json:"error,omitempty"`
}

// Replies implements helper.Message.
func (m message) Replies() uint64 { return m.Reply }

// systems are the machines that the supervisor, the first process of their namespaces, keeps from run to run.
type systems struct {
	answers  *helper.Out
	machines []*machine // that which was used last at the end
	made     int        // machines, for their names and those of their directories
}

// most is how many machines stay up: those of an experiment's runs, which take turns.
const most = 10

// find gives the machine that stands for a host, nil for none: the programs of all images that runs want of a host are on
// one machine.
func (s *systems) find(h *record.Host) *machine {
	for _, m := range s.machines {
		if m.host == h.Name && len(m.cards) >= len(h.Interfaces) && m.lives() {
			return m
		}
	}
	return nil
}

// remove ends a machine.
func (s *systems) remove(m *machine) {
	m.stop()
	s.machines = slices.DeleteFunc(s.machines, func(o *machine) bool { return o == m })
}

// supervise is the supervisor's main: run after run, until the engine is closed. The kernel ends the machines then.
func supervise() error {
	parent := helper.Parent()
	if err := helper.EnterIsolated(); err != nil {
		return err
	}
	s := &systems{answers: helper.NewOut(parent)}
	return helper.Serve(parent, func(r request) error {
		m := message{Reply: r.ID}
		var err error
		if m.Result, err = s.run(&r); err != nil {
			m.Error = err.Error()
		}
		return s.answers.Send(m)
	})
}

func (s *systems) progress(stage string) { s.answers.Send(message{Progress: stage}) }

// run makes the machines that are missing and runs the lab on them.
func (s *systems) run(r *request) (*record.Result, error) {
	for _, h := range r.Run.Hosts {
		if len(r.Layers[h.Digest]) == 0 {
			return nil, fmt.Errorf("host %q: image %s (%s) is not at hand", h.Name, h.Image, h.Digest)
		}
	}
	if err := s.boot(r); err != nil {
		return nil, err
	}
	machines := map[string]lab.Machine{}
	for _, h := range r.Run.Hosts {
		m := s.find(&h)
		if err := m.insert(context.Background(), r.Layers[h.Digest]); err != nil {
			s.remove(m)
			return nil, fmt.Errorf("host %q: %w", h.Name, err)
		}
		machines[h.Name] = m
	}
	scratch := filepath.Join(r.Dir, "lab")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return nil, err
	}
	defer os.Remove(scratch)
	result, err := lab.Execute(context.Background(), r.Run, lab.Options{
		Dir: r.Dir, Scratch: scratch, Name: "vm", Machines: machines,
		Progress: s.progress, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if result != nil {
		result.Engine = s.describe(r)
	}
	return result, err
}

// boot starts the machines of the run's hosts that do not run yet. Those that were not used for longest make room.
func (s *systems) boot(r *request) (err error) {
	var missing []*record.Host
	for i := range r.Run.Hosts {
		h := &r.Run.Hosts[i]
		m := s.find(h)
		if m == nil {
			missing = append(missing, h)
			continue
		}
		s.machines = append(slices.DeleteFunc(s.machines, func(o *machine) bool { return o == m }), m)
	}
	if len(missing) == 0 {
		return nil
	}
	s.progress("machines start")
	if s.made == 0 {
		if err := s.prepare(r); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), bootLimit, fmt.Errorf("a machine did not start within %s", bootLimit))
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for len(s.machines) > 0 && len(s.machines)+len(missing) > max(most, len(r.Run.Hosts)) {
		s.remove(s.machines[0])
	}
	var started []*machine
	defer func() {
		if err != nil {
			for _, m := range started {
				s.remove(m)
			}
		}
	}()
	for _, h := range missing {
		s.made++
		share := filepath.Join(r.Parts, fmt.Sprintf("machine-%d", s.made))
		if err := os.Mkdir(share, 0o755); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(r.Parts, "detgen"), filepath.Join(share, "detgen")); err != nil {
			return err
		}
		m, err := startMachine(machineSpec{name: h.Name, number: s.made, cards: len(h.Interfaces), system: r.System, share: share})
		if err != nil {
			return err
		}
		s.machines, started = append(s.machines, m), append(started, m)
		group.Go(func() error {
			err := m.awaitMonitor(ctx)
			if err == nil {
				err = m.awaitBoot(ctx)
			}
			if err != nil {
				return fmt.Errorf("host %q: %w", h.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// lives reports whether the machine runs.
func (m *machine) lives() bool {
	select {
	case <-m.Ended():
		return false
	default:
		return true
	}
}

// prepare makes the place of what machines see of this system.
func (s *systems) prepare(r *request) error {
	if err := unix.Mount("tmpfs", r.Parts, "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", r.Parts, err)
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.Parts, "detgen"), program, 0o755)
}

// describe gives what the lab ran on.
func (s *systems) describe(r *request) record.Engine {
	return record.Engine{Name: Name, Kernel: s.machines[0].kernel, Details: map[string]string{
		"qemu": r.System.Version, "accelerator": r.System.Accelerator, "system": r.System.Digest,
	}}
}
