package record

import "reflect"

// TwinLinks are the settings of one interface in both of two twin runs: "a" first. The links
// of twins prepare both and follow their own, so that on the exact engine both runs are the
// same, instruction for instruction, until a link treats a frame differently.
type TwinLinks struct {
	Up   [2]Link `json:"up"`
	Down [2]Link `json:"down"`
}

// The names of twin runs.
const (
	TwinA = "a"
	TwinB = "b"
)

// TwinIndex gives the place of a twin run in TwinLinks.
func TwinIndex(name string) int {
	if name == "" {
		return 0
	}
	return int(name[0] - TwinA[0])
}

// JoinTwins tells two runs of each other's links when they differ in nothing else but
// the list of values; else it leaves them as they are. It reports whether it did.
func JoinTwins(a, b *Run) bool {
	if !reflect.DeepEqual(a.withoutLinks(), b.withoutLinks()) {
		return false
	}
	a.Twin, b.Twin = TwinA, TwinB
	for h := range a.Hosts {
		for i := range a.Hosts[h].Interfaces {
			ia, ib := &a.Hosts[h].Interfaces[i], &b.Hosts[h].Interfaces[i]
			if reflect.DeepEqual(ia.Up, ib.Up) && reflect.DeepEqual(ia.Down, ib.Down) {
				continue
			}
			both := &TwinLinks{Up: [2]Link{ia.Up, ib.Up}, Down: [2]Link{ia.Down, ib.Down}}
			ia.Twin, ib.Twin = both, both
		}
	}
	return true
}

// withoutLinks gives a copy without values and settings of links.
func (r *Run) withoutLinks() Run {
	run := *r.Bare()
	for h := range run.Hosts {
		for i := range run.Hosts[h].Interfaces {
			n := &run.Hosts[h].Interfaces[i]
			n.Up, n.Down, n.Twin = Link{}, Link{}, nil
		}
	}
	run.Twin = ""
	return run
}

// Bare gives a copy of the run without what a lab does not need: the list of values, and what the
// links of twins have in TwinLinks. Those of two twins differ in nothing but Twin.
func (r *Run) Bare() *Run {
	run := *r
	run.Values = nil
	run.Hosts = append([]Host(nil), r.Hosts...)
	for h := range run.Hosts {
		host := &run.Hosts[h]
		host.Interfaces = append([]Interface(nil), host.Interfaces...)
		for i := range host.Interfaces {
			if n := &host.Interfaces[i]; n.Twin != nil {
				n.Up, n.Down = Link{}, Link{}
			}
		}
	}
	return &run
}
