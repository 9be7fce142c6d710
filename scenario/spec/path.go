package spec

import (
	"fmt"
	"strings"

	"detgen/record"
	"detgen/scenario/value"
)

// Path is what routers between the hosts of a run do to what crosses them.
type Path struct {
	Hops  int    // routers; 0: no path
	Rate  uint64 // bits/s, of the first one in each direction; 0: unlimited
	Queue string // discipline of the queue before that
	Limit int    // frames in the queue; 0: MaxQueue
	Delay record.Duration
	Near  []string // hosts or groups before the path; empty: of each activity the one that begins
}

// MaxQueue is how many frames the queue of a path holds when nothing is said.
const MaxQueue = 100

// pathKeys are the keys of the path, which is one for the whole run.
var pathKeys = []value.Definition{
	{Name: "path.hops", Type: value.Int, Min: "0", Max: "60", Law: "uniform(1, 10)", Normal: "0", Doc: "routers between the hosts that begin and all others, each a host of its own, hop-1 to hop-N"},
	{Name: "path.rate", Type: value.Rate, Min: "0", Max: "100gbit", Law: "choice(1mbit, 5mbit, 10mbit, 25mbit, 50mbit)", Normal: "0bit", Doc: "of hop-1, in each direction, shared by all that crosses it; 0 is unlimited"},
	{Name: "path.queue", Type: value.Choice, Values: record.Queues, Normal: record.FIFO, Doc: "discipline of its queue; fq_codel and red only with the link driver netem"},
	{Name: "path.limit", Type: value.Int, Min: "1", Max: "1000000", Law: "uniform(10, 1000)", Normal: fmt.Sprint(MaxQueue), Doc: "frames in its queue"},
	{Name: "path.delay", Type: value.Time, Min: "0", Max: "10min", Law: "exp(20ms, max=200ms)", Normal: "0s", Doc: "of the path, in each direction"},
	{Name: "path.near", Type: value.String, Normal: "the host of the first script of each activity", Doc: "hosts before the path, with commas between them", Check: func(s string) error {
		if strings.TrimSpace(s) == "" {
			return fmt.Errorf("must name a host")
		}
		return nil
	}},
}

// Set sets the value of a key.
func (p *Path) Set(key string, v value.Value) {
	switch key {
	case "path.hops":
		p.Hops = int(v.Number())
	case "path.rate":
		p.Rate = uint64(v.Number())
	case "path.queue":
		p.Queue = v.Plain()
	case "path.limit":
		p.Limit = int(v.Number())
	case "path.delay":
		p.Delay = record.Duration(v.Duration())
	case "path.near":
		for name := range strings.SplitSeq(v.Plain(), ",") {
			p.Near = append(p.Near, strings.TrimSpace(name))
		}
	}
}
