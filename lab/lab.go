// Package lab makes one run happen on the kernel it is on: hosts, links, captures, processes,
// phases. It is the same code whatever the engine; an engine is only the kernel it runs on.
//
// A lab is made of things that have no name outside the process that makes it: network
// namespaces that only descriptors hold, mounts in the caller's mount namespace, processes in
// the caller's PID namespace. When the caller is the first process of its own namespaces
// (engine/live) or of its own virtual computer (engine/exact), nothing of a lab can outlive it.
package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"detgen/internal/boundary"
	"detgen/lab/inside"
	"detgen/lab/internal/network"
	"detgen/lab/internal/owners"
	"detgen/lab/link"
	"detgen/record"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Options say where a lab finds and leaves things.
type Options struct {
	Dir       string              // an existing directory that receives captures/ and logs/
	Scratch   string              // an existing directory for what lives as long as the lab; a tmpfs is mounted on it
	Images    map[string][]string // image digest -> directories of its root, top layer first
	Name      string              // of the lab among those of this computer; letters, digits and dashes
	Program   string              // the file of the hosts' init; "" for this program's own
	Runtime   string              // the OCI runtime's file
	Machines  map[string]Machine  `json:"-"` // hosts that are machines, by name; the others are containers
	RingBytes int                 // of the ring of each capture; 0 means 16 MiB
	Progress  func(stage string)  `json:"-"` // called when a stage begins; may be nil
	// Known is called with what Execute will return when the directory has all that it will have, before the lab is taken
	// down; it may be nil.
	Known func(*record.Result, error) `json:"-"`
	Log   *slog.Logger                `json:"-"`
}

// lab is a run while it lives.
type lab struct {
	*Options
	run    *record.Run
	hosts  []*host
	byName map[string]*host
	net    *network.Namespace // of the switch
	groups *owners.Groups     // the v2 control groups; nil where a user may make none
	links  link.Driver
	taps   []*capture // in the order of the run's networks
	board  *board
	result *record.Result
	fail   context.CancelCauseFunc // ends the run, which must go on
	over   chan struct{}           // closed when nothing of the lab need live any more
}

// Execute makes a run happen, in the order of the contract: hosts and links up and read back,
// captures open, services ready, warm-up drained, load on, the activities, connections drained,
// captures finished. Everything it made is gone when it returns.
//
// The result is never nil; when the error is not nil the run failed, and the result and the
// directory hold what was seen until then.
func Execute(ctx context.Context, run *record.Run, o Options) (*record.Result, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Known == nil {
		o.Known = func(*record.Result, error) {}
	}
	if o.RingBytes == 0 {
		o.RingBytes = 16 << 20
	}
	begin := time.Now()
	l := &lab{Options: &o, run: run, byName: map[string]*host{}, over: make(chan struct{}), result: &record.Result{Status: record.Failed}}
	l.board = newBoard(run)
	if run.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Duration(run.Timeout),
			fmt.Errorf("the run took longer than its time limit, %s", run.Timeout))
		defer cancel()
	}
	ctx, l.fail = context.WithCancelCause(ctx)
	defer l.fail(nil)
	err := l.execute(ctx)
	if err == nil {
		err = context.Cause(ctx) // of what died last
	}
	close(l.over)
	err = errors.Join(err, l.finishCaptures())
	l.closeOutputs()
	l.readLinks()
	err = errors.Join(err, l.writeLinkLog())
	l.result.LabTime = record.Duration(time.Since(begin))
	l.result.Activities = l.board.results()
	if err == nil {
		err = l.check()
	}
	if err == nil {
		l.result.Status = record.Complete
	} else {
		l.result.Error = err.Error()
	}
	o.Known(l.result, err)
	l.close()
	return l.result, err
}

func (l *lab) execute(ctx context.Context) error {
	l.Progress("hosts")
	if err := l.prepare(); err != nil {
		return err
	}
	if err := l.connect(ctx); err != nil {
		return err
	}
	if err := l.openCaptures(); err != nil {
		return err
	}
	if err := l.startHosts(ctx); err != nil {
		return err
	}
	if err := l.awaitAddresses(ctx); err != nil {
		return err
	}
	l.Progress("services")
	if err := l.startServices(ctx); err != nil {
		return err
	}
	if err := l.warmUp(ctx); err != nil {
		return err
	}
	loads, err := l.startLoads(ctx)
	if err != nil {
		return err
	}
	l.Progress("task")
	if err := l.act(ctx); err != nil {
		return err
	}
	if err := l.measureLoads(ctx, loads); err != nil {
		return err
	}
	l.Progress("draining")
	if err := l.drain(ctx); err != nil {
		return err
	}
	if err := l.checkMemory(); err != nil {
		return err
	}
	return l.readOwners(ctx)
}

// prepare makes the places that hosts live in.
func (l *lab) prepare() error {
	program, err := l.Options.program() // which may be below the scratch directory
	if err != nil {
		return err
	}
	defer program.Close()
	options := "mode=755"
	if boundary.Rootless() { // what hosts write counts as no group's
		memory := uint64(64 << 20) // for what the lab has there
		for _, h := range l.run.Hosts {
			memory += h.Memory
		}
		options += ",size=" + strconv.FormatUint(memory, 10)
	}
	if err := unix.Mount("tmpfs", l.Scratch, "tmpfs", unix.MS_NOSUID, options); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", l.Scratch, err)
	}
	if len(l.run.Hosts) > MaxHosts {
		return fmt.Errorf("the run has %d hosts, and a lab takes %d", len(l.run.Hosts), MaxHosts)
	}
	if err := l.provideProgram(program); err != nil {
		return err
	}
	if boundary.Rootless() {
		if err := CheckUser(l.run, owners.Supported); err != nil {
			return err
		}
	}
	if owners.Supported() == nil {
		if l.groups, err = owners.OpenGroups(); err != nil {
			return err
		}
	}
	if err := boundary.PrepareRuntime(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(l.Dir, "captures"), 0o755); err != nil {
		return err
	}
	for i := range l.run.Hosts {
		spec := &l.run.Hosts[i]
		h := &host{
			Host:     spec,
			dir:      filepath.Join(l.Scratch, spec.Name),
			id:       l.Name + "-" + spec.Name,
			logs:     filepath.Join(l.Dir, "logs", spec.Name),
			first:    boundary.HostID(i),
			report:   l.report,
			groups:   groupsOf(l.run, spec),
			grouped:  l.groups != nil,
			ready:    make(chan struct{}),
			programs: map[string]*process{},
			outputs:  map[string]*output{},
			views:    map[string]*view{},
		}
		if m := l.Machines[h.Name]; m != nil {
			h.system = &machine{host: h, Machine: m}
		} else {
			h.system = &container{host: h}
		}
		if err := os.MkdirAll(h.logs, 0o755); err != nil {
			return err
		}
		l.hosts = append(l.hosts, h)
		l.byName[h.Name] = h
		if err := h.prepare(l); err != nil {
			return fmt.Errorf("host %q: %w", h.Name, err)
		}
	}
	return nil
}

// report takes a helper's call.
func (l *lab) report(h *host, r inside.Report) ([]byte, error) {
	if r.Helper == inside.Log {
		return h.readLog(r)
	}
	return nil, l.board.report(h, r)
}

// groupsOf gives the indexes of the programs' control groups.
func groupsOf(run *record.Run, h *record.Host) map[string]int {
	indexes := map[string]int{}
	for i, p := range owners.Programs(run, h) {
		indexes[p.Name] = i
	}
	return indexes
}

// watch ends the run with the error that why gives when something ends that must live as long as the lab.
func (l *lab) watch(ended <-chan struct{}, why func() error) {
	go func() {
		select {
		case <-ended:
			l.fail(why())
		case <-l.over:
		}
	}()
}

// connect makes the hosts' networks: namespaces, links, addresses.
func (l *lab) connect(ctx context.Context) (err error) {
	if err := network.OwnTables(); err != nil {
		return err
	}
	if l.net, err = network.New(); err != nil {
		return err
	}
	if err := l.net.WithoutIPv6(); err != nil {
		return err
	}
	var ports []link.Port
	for _, h := range l.hosts {
		if err := h.isolate(l); err != nil {
			return fmt.Errorf("host %q: %w", h.Name, err)
		}
		for _, i := range h.Interfaces {
			ports = append(ports, link.Port{
				Host: h.Name, Interface: i.Name, Network: i.Network, MAC: i.MAC, NetNS: int(h.net.FD),
				MTU: h.Transport.MTU, Offload: h.Transport.Offload, Up: i.Up, Down: i.Down,
				Twin: i.Twin, Side: l.run.Twin,
			})
		}
	}
	driver, err := chooseDriver(l.run.LinkDriver)
	if err != nil {
		return err
	}
	l.links, err = link.Open(ctx, driver, l.run.Seed, int(l.net.FD), ports, tapped(l.run), l.Log)
	if err != nil {
		return fmt.Errorf("links: %w", err)
	}
	l.result.LinkDriver = l.links.Name()
	l.watch(l.links.Ended(), func() error { return fmt.Errorf("links: %w", l.links.Err()) })
	return nil
}

// tapped are the networks of a run with a tap.
func tapped(run *record.Run) (names []string) {
	for _, n := range run.Networks {
		if n.Tap {
			names = append(names, n.Name)
		}
	}
	return names
}

// openTaps opens the captures at the switches.
func (l *lab) openTaps() error {
	for _, network := range tapped(l.run) {
		devices, err := l.links.Tap(network)
		if err != nil {
			return fmt.Errorf("tap of network %q: %w", network, err)
		}
		file := filepath.Join("captures", record.TapName(network)+".pcap")
		var c *capture
		err = l.net.Do(func() (err error) {
			c, err = openTap(devices, filepath.Join(l.Dir, file), l.RingBytes)
			return err
		})
		if err != nil {
			return fmt.Errorf("tap of network %q: %w", network, err)
		}
		l.taps = append(l.taps, c)
		l.result.Captures = append(l.result.Captures, record.Capture{Network: network, File: file})
	}
	return nil
}

// openCaptures opens the captures while the interfaces are still down, so that nothing is
// missed, then brings the interfaces up.
func (l *lab) openCaptures() error {
	for _, h := range l.hosts {
		for _, i := range h.Interfaces {
			link, err := h.net.Handle.LinkByName(i.Name)
			if err != nil {
				return fmt.Errorf("host %q: interface %s: %w", h.Name, i.Name, err)
			}
			file := filepath.Join("captures", h.Name+".pcap")
			if len(h.Interfaces) > 1 {
				file = filepath.Join("captures", h.Name+"-"+i.Name+".pcap")
			}
			var c *capture
			err = h.net.Do(func() (err error) {
				c, err = openCapture(link.Attrs().Index, filepath.Join(l.Dir, file), l.RingBytes)
				return err
			})
			if err != nil {
				return fmt.Errorf("host %q: capture of %s: %w", h.Name, i.Name, err)
			}
			h.captures = append(h.captures, c)
			l.result.Captures = append(l.result.Captures, record.Capture{Host: h.Name, Interface: i.Name, File: file})
		}
	}
	if err := l.openTaps(); err != nil {
		return err
	}
	for _, h := range l.hosts {
		if err := h.join(); err != nil {
			return fmt.Errorf("host %q: %w", h.Name, err)
		}
	}
	return nil
}

// startHosts starts the hosts, all at once.
func (l *lab) startHosts(ctx context.Context) error {
	if boundary.Rootless() {
		if err := l.watchAmounts(); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, h := range l.hosts {
		group.Go(func() error {
			if err := h.boot(ctx, l); err != nil {
				return err
			}
			l.watch(h.calls.Gone(), func() error {
				return h.ended()
			})
			return nil
		})
	}
	return group.Wait()
}

// awaitAddresses waits until the hosts can use their addresses.
func (l *lab) awaitAddresses(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, h := range l.hosts {
		group.Go(func() error {
			if err := h.net.AwaitAddresses(ctx, h.Host); err != nil {
				return fmt.Errorf("host %q: %w", h.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// startServices starts each host's services in their order, each when the one before it and
// those it names on other hosts are ready.
func (l *lab) startServices(ctx context.Context) error {
	ready := map[string]chan struct{}{}
	for _, h := range l.hosts {
		for _, s := range h.Services {
			ready[h.Name+"/"+s.Name] = make(chan struct{})
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, h := range l.hosts {
		group.Go(func() error {
			for i := range h.Services {
				s := &h.Services[i]
				for _, name := range s.After {
					select {
					case <-ready[name]:
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				}
				p, err := h.run(ctx, s.Name, inside.Request{
					Program: s.Name, Command: s.Command, User: s.User,
					Environment: environment(h.Environment, s.Environment),
				})
				if err != nil {
					return err
				}
				if err := h.awaitReady(ctx, s, p); err != nil {
					return err
				}
				if !s.Ready.Exit && !s.Ends {
					l.watch(p.done, func() error {
						return fmt.Errorf("host %q: service %q ended with status %d while the run went on; %s%s",
							h.Name, s.Name, p.status, h.tail(s.Name), h.outOfMemory())
					})
				}
				close(ready[h.Name+"/"+s.Name])
			}
			return nil
		})
	}
	return group.Wait()
}

// environment joins environments, later ones first.
func environment(maps ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range maps {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// warmUp runs the warm-up scripts of the activities, one after the other, and waits for their
// connections to end, so that nothing of them is in the task's time.
func (l *lab) warmUp(ctx context.Context) error {
	for i := range l.run.Activities {
		a := &l.run.Activities[i]
		limited, cancel := limit(ctx, a)
		defer cancel()
		for n := range a.Warmup {
			l.Progress("warm-up")
			if l.result.Warmup.IsZero() {
				l.result.Warmup = time.Now()
			}
			if err := l.enter(limited, a, a.Warmup[n:n+1]); err != nil {
				return fmt.Errorf("warm-up: %w", err)
			}
			program := fmt.Sprintf("%s-warmup-%d", a.Name, n+1)
			if _, err := l.runScripts(limited, a, a.Warmup[n:n+1], program); err != nil {
				return fmt.Errorf("warm-up: %w", err)
			}
		}
	}
	if !l.result.Warmup.IsZero() {
		if err := l.drain(ctx); err != nil {
			return fmt.Errorf("warm-up: %w", err)
		}
	}
	l.board.startTasks()
	return nil
}

// limit lets ctx end when an activity, or its warm-up, has taken its time limit.
func limit(ctx context.Context, a *record.Activity) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, time.Duration(a.Timeout),
		fmt.Errorf("activity %q (%s/%s) took longer than its time limit, %s", a.Name, a.Scenario, a.Task, a.Timeout))
}

// act runs all activities at their times and waits for their ends.
func (l *lab) act(ctx context.Context) error {
	for i := range l.run.Activities {
		if a := &l.run.Activities[i]; a.Start == 0 {
			if err := l.enter(ctx, a, a.Scripts); err != nil {
				return err
			}
		}
	}
	start := time.Now()
	l.result.Started = start
	l.links.Start(start)
	group, ctx := errgroup.WithContext(ctx)
	for i := range l.run.Activities {
		group.Go(func() error {
			a := &l.run.Activities[i]
			if a.Start > 0 {
				timer := time.NewTimer(time.Until(start.Add(time.Duration(a.Start))))
				defer timer.Stop()
				select {
				case <-timer.C:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			ctx, cancel := limit(ctx, a)
			defer cancel()
			if a.Start > 0 {
				if err := l.enter(ctx, a, a.Scripts); err != nil {
					return err
				}
			}
			l.board.began(i, time.Now())
			exits, err := l.runScripts(ctx, a, a.Scripts, a.Name)
			l.board.ended(i, exits, time.Now())
			if err == nil && i > 0 { // the main activity's views end with the lab
				err = l.leave(a)
			}
			return err
		})
	}
	return group.Wait()
}

// runScripts runs scripts of an activity at once and waits for all to end. Where there are
// several on one host, their programs are told apart by a number.
func (l *lab) runScripts(ctx context.Context, a *record.Activity, scripts []record.Script, program string) ([]record.Exit, error) {
	exits := make([]record.Exit, len(scripts))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range scripts {
		name := program
		if n := slices.IndexFunc(scripts, func(o record.Script) bool { return o.Host == s.Host }); n != i {
			name = fmt.Sprintf("%s-%d", program, i-n+1)
		}
		group.Go(func() error {
			h := l.byName[s.Host]
			v, err := h.viewOf(a.Name)
			if err != nil {
				return err
			}
			p, err := h.run(ctx, a.Name, inside.Request{
				Program: name, Script: s.Text, User: s.User, Root: v.root,
				Environment: environment(h.Environment, s.Environment, map[string]string{
					inside.ActivityVariable: a.Name, inside.ProgramVariable: name, inside.HostRootVariable: inside.HostRoot,
				}),
			})
			if err != nil {
				return err
			}
			select {
			case <-p.done:
				exits[i] = record.Exit{Host: s.Host, Status: p.status, Time: p.end}
				if p.status != 0 {
					// The others may wait for this one.
					return fmt.Errorf("the script on host %q ended with status %d (logs/%s/%s.log); %s%s", h.Name, p.status, h.Name, name, h.tail(name), h.outOfMemory())
				}
				return nil
			case <-h.calls.Gone():
				return fmt.Errorf("host %q ended while its script ran: %s%s", h.Name, h.tail(runtimeOutput), h.outOfMemory())
			case <-ctx.Done():
				exits[i] = record.Exit{Host: s.Host, Status: -1, Time: time.Now()}
				return context.Cause(ctx)
			}
		})
	}
	return exits, group.Wait()
}
