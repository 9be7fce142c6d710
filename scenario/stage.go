package scenario

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"detgen/record"
)

// Digests gives the digest ("sha256:<hex>") of the image called name, or an error that says
// what is wrong with the name and what would be right.
type Digests func(image string) (string, error)

// Resolve makes the complete run of a spec for one seed: every value given, taken from the
// scenario or drawn, every template filled in, every image named by its digest. The same
// catalogue, spec, seed and digests always give the same run. The error holds every Problem
// that was found, one a line; nothing has been started then.
func (c *Catalogue) Resolve(spec *Spec, runSeed uint64, digests Digests) (*record.Run, error) {
	st := &stage{
		catalogue: c, seed: runSeed, digests: digests, problems: &problems{places: spec.places},
		addresses: &addressing{seed: runSeed, hosts: map[netip.Addr]bool{}},
	}
	run := st.resolve(spec)
	if err := st.problems.err(); err != nil {
		return nil, err
	}
	return run, nil
}

// stage is the run in the making: what its activities share.
type stage struct {
	catalogue *Catalogue
	seed      uint64
	digests   Digests
	problems  *problems
	values    []record.Value
	addresses *addressing
	networks  []record.Network
	machines  []*machine
	epoch     time.Time
}

// failed says whether there is no point in going on.
func (st *stage) failed() bool { return len(st.problems.list) > 0 }

// note keeps a value for the run's list; a value of the same name is replaced.
func (st *stage) note(v record.Value) {
	i := slices.IndexFunc(st.values, func(old record.Value) bool { return old.Name == v.Name })
	if i < 0 {
		st.values = append(st.values, v)
		return
	}
	st.values[i] = v
}

func (st *stage) resolve(spec *Spec) *record.Run {
	main := &resolver{stage: st}
	if !main.prepare(spec.Task, spec.At, "task", spec.Set) {
		return nil
	}
	main.resolveRunKeys()
	main.plug(nil)
	casts := []cast{{resolver: main, starts: []record.Duration{0}, names: []string{mainActivity}}}
	if !st.failed() {
		casts = append(casts, st.background(spec.Background, main)...)
	}
	for _, step := range []func(*resolver){(*resolver).shape, func(r *resolver) { r.setUp() }} {
		for _, c := range casts {
			if !st.failed() {
				step(c.resolver)
			}
		}
	}
	if st.failed() {
		return nil
	}
	st.route()
	st.checkOrder()
	run := &record.Run{Seed: st.seed, Values: st.values, Networks: st.networks, LinkDriver: spec.LinkDriver, Epoch: st.epoch}
	for _, c := range casts {
		a := c.resolver.activity()
		for i, start := range c.starts {
			a.Name, a.Start = c.names[i], start
			run.Activities = append(run.Activities, a)
		}
	}
	for _, m := range st.machines {
		if !m.absent {
			m.settle()
			st.checkMemory(&m.Host)
			run.Hosts = append(run.Hosts, m.Host)
		}
	}
	if st.failed() {
		return nil
	}
	run.Timeout = runTimeout(run)
	return run
}

// loadWorker is the memory that a worker of load.memory writes to over and over, in bytes.
const loadWorker = 32 << 20

// checkMemory makes sure that the memory workers of a host leave a quarter of its memory to its
// programs: the kernel ends programs of a host that needs more than it has.
func (st *stage) checkMemory(h *record.Host) {
	if most := int(h.Memory / 4 * 3 / loadWorker); h.Load.Memory > most && !st.failed() { // one setting, said once
		st.problems.add(Position{}, "load.memory", strconv.Itoa(h.Load.Memory), "host %q has %d MiB of memory and a worker takes %d: at most %d", h.Name, h.Memory>>20, loadWorker>>20, most)
	}
}

// mainActivity is the name of the main activity.
const mainActivity = "main"

// cast is an activity in the making: who plays it, and when it starts.
type cast struct {
	resolver *resolver
	starts   []record.Duration
	names    []string // of the activities, one a start
}

// runTimeout bounds the whole run: every service in turn, the warm-up, the activities, and a
// minute for all else.
func runTimeout(run *record.Run) record.Duration {
	total := record.Duration(time.Minute)
	for _, h := range run.Hosts {
		for _, s := range h.Services {
			total += s.Timeout
		}
	}
	for _, a := range run.Activities {
		if len(a.Warmup) > 0 {
			total += a.Timeout
		}
	}
	longest := record.Duration(0)
	for _, a := range run.Activities {
		longest = max(longest, a.Start+a.Timeout)
	}
	return total + longest
}
