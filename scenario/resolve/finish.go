package resolve

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/value"
)

// finish makes the run of a lab that is set up: routes, the order of services, what the
// activities do, and limits.
func finish(run *record.Run, d *draft, lab *lab, activities []*activity) {
	lab.setUpPath(activities[0])
	lab.route()
	checkOrder(d, lab)
	for _, a := range activities {
		for i, start := range a.starts {
			in := a.again(i)
			done := perform(in)
			done.Name, done.Start, done.User = a.names[i], start, a.user
			if in.time != nil {
				done.Values = in.time.values
			}
			run.Activities = append(run.Activities, done)
		}
	}
	if lab.site {
		slices.SortStableFunc(run.Activities, func(a, b record.Activity) int { return cmp.Compare(a.Start, b.Start) })
	}
	for _, h := range lab.hosts {
		if !h.absent {
			h.settle()
			d.checkMemory(&h.Host)
			run.Hosts = append(run.Hosts, h.Host)
		}
	}
	for _, n := range lab.networks {
		if at := slices.IndexFunc(run.Hosts, func(h record.Host) bool { return h.Name == record.TapName(n.Name) }); n.Tap && at >= 0 {
			d.problems.Add(problem.Position{}, n.Name+".tap", "true", "the tap's name, %s, is that of a host", run.Hosts[at].Name)
		}
	}
	run.Values, run.Networks = d.values, lab.networks
	run.Timeout = runTimeout(run)
}

// settle fills in what nobody said and puts lists in order.
func (h *host) settle() {
	if h.Memory == 0 {
		v, _ := value.Parse(value.Bytes, format.DefaultMemory)
		h.Memory = uint64(v.Number())
	}
	if h.Processes == 0 {
		h.Processes, _ = strconv.Atoi(format.DefaultProcesses)
	}
	slices.Sort(h.Capabilities)
	h.Capabilities = slices.Compact(h.Capabilities)
	slices.Sort(h.Devices)
	h.Devices = slices.Compact(h.Devices)
}

// loadWorker is the memory that a worker of load.memory writes to over and over, in bytes.
const loadWorker = 32 << 20

// checkMemory makes sure that the memory workers of a host leave a quarter of its memory to its
// programs: the kernel ends programs of a host that needs more than it has.
func (d *draft) checkMemory(h *record.Host) {
	if most := int(h.Memory / 4 * 3 / loadWorker); h.Load.Memory > most && !d.failed() { // one setting, said once
		d.problems.Add(problem.Position{}, "load.memory", strconv.Itoa(h.Load.Memory), "host %q has %d MiB of memory and a worker takes %d: at most %d", h.Name, h.Memory>>20, loadWorker>>20, most)
	}
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
