// Package mirror measures the properties of a target network's traffic, so that a dataset can have them too, and
// compares the two (the paper, section 6).
package mirror

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"detgen/dataset/flowset"
)

// Profile is what was measured of a target.
type Profile struct {
	Format   int       `json:"format"` // 1
	Target   string    `json:"target"`
	Flows    int       `json:"flows"`
	Benign   int       `json:"benign"`
	Services []Service `json:"services"`          // of benign flows, most flows first
	Attacks  []Attack  `json:"attacks,omitempty"` // by label
}

// Service is the benign flows of one service.
type Service struct {
	Service  string   `json:"service"` // "" for flows of no known service
	Flows    int      `json:"flows"`
	Share    float64  `json:"share"` // of the benign flows
	Ports    []Count  `json:"ports,omitempty"`
	Packets  Figures  `json:"packets"`           // a flow, both ways
	Bytes    Figures  `json:"bytes"`             // a flow's payload, both ways
	Duration Figures  `json:"duration"`          // seconds
	Servers  []Count  `json:"servers,omitempty"` // programs, as their first bytes name them (captures)
	Clients  []Count  `json:"clients,omitempty"`
	Makers   []string `json:"scenarios"` // scenarios that make the service
}

// Attack is the flows of one label.
type Attack struct {
	Label    string  `json:"label"`
	Flows    int     `json:"flows"`
	Share    float64 `json:"share"` // of all flows
	Services []Count `json:"services"`
	Packets  Figures `json:"packets"`
	Bytes    Figures `json:"bytes"`
	Duration Figures `json:"duration"` // seconds
}

// Count is how many flows have a value.
type Count struct {
	Value string `json:"value"`
	Flows int    `json:"flows"`
}

// Figures describe a distribution. Quantiles are interpolated linearly between the two nearest values.
type Figures struct {
	Mean float64 `json:"mean"`
	Min  float64 `json:"min"`
	P5   float64 `json:"p5"`
	P25  float64 `json:"p25"`
	P50  float64 `json:"p50"`
	P75  float64 `json:"p75"`
	P95  float64 `json:"p95"`
	Max  float64 `json:"max"`
}

// most is how many ports and programs of a service are listed.
const most = 10

// Measure measures a target.
func Measure(set *flowset.Set) *Profile {
	p := &Profile{Format: 1, Target: set.Name, Flows: set.Len()}
	services := map[string][]int{}
	attacks := map[string][]int{}
	makers := map[string][]string{}
	names := make([]string, set.Len())
	for i := range set.Len() {
		if s, _ := set.ServiceOf(i); s != nil {
			names[i] = s.Name
			makers[s.Name] = s.Scenarios
		}
		if set.Label != nil && !flowset.Benign(set.Label[i]) {
			attacks[set.Label[i]] = append(attacks[set.Label[i]], i)
			continue
		}
		services[names[i]] = append(services[names[i]], i)
		p.Benign++
	}
	quantities := quantitiesOf(set)
	for name, rows := range services {
		s := Service{Service: name, Flows: len(rows), Share: float64(len(rows)) / float64(p.Benign), Makers: makers[name]}
		if s.Makers == nil {
			s.Makers = []string{}
		}
		s.Packets, s.Bytes, s.Duration = quantities.of(rows)
		if set.DestinationPort != nil {
			s.Ports = counts(rows, func(i int) string { return strconv.Itoa(int(set.DestinationPort[i])) })
		}
		if set.Server != nil {
			s.Servers = counts(rows, func(i int) string { return set.Server[i] })
			s.Clients = counts(rows, func(i int) string { return set.Client[i] })
		}
		p.Services = append(p.Services, s)
	}
	for label, rows := range attacks {
		a := Attack{Label: label, Flows: len(rows), Share: float64(len(rows)) / float64(set.Len())}
		a.Packets, a.Bytes, a.Duration = quantities.of(rows)
		a.Services = counts(rows, func(i int) string { return names[i] })
		p.Attacks = append(p.Attacks, a)
	}
	slices.SortFunc(p.Services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Service, b.Service))
	})
	slices.SortFunc(p.Attacks, func(a, b Attack) int {
		return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Label, b.Label))
	})
	return p
}

// quantities are a flow's packets, bytes and seconds; nil for what a table does not have.
type quantities struct{ packets, bytes, seconds []float64 }

func quantitiesOf(set *flowset.Set) quantities {
	sum := func(a, b string) []float64 {
		x, y := set.Column(a), set.Column(b)
		if x == nil || y == nil {
			return nil
		}
		total := make([]float64, len(x))
		for i := range x {
			total[i] = x[i] + y[i]
		}
		return total
	}
	q := quantities{packets: sum("Total Fwd Packets", "Total Backward Packets"), bytes: sum("Total Length of Fwd Packets", "Total Length of Bwd Packets")}
	if d := set.Column("Flow Duration"); d != nil {
		q.seconds = make([]float64, len(d))
		for i, us := range d {
			q.seconds[i] = us / 1e6
		}
	}
	return q
}

func (q quantities) of(rows []int) (packets, bytes, seconds Figures) {
	return figures(q.packets, rows), figures(q.bytes, rows), figures(q.seconds, rows)
}

// figures describes the finite values of some rows.
func figures(values []float64, rows []int) Figures {
	v := pick(values, rows)
	if len(v) == 0 {
		return Figures{}
	}
	slices.Sort(v)
	f := Figures{Min: v[0], P5: quantile(v, 0.05), P25: quantile(v, 0.25), P50: quantile(v, 0.5), P75: quantile(v, 0.75), P95: quantile(v, 0.95), Max: v[len(v)-1]}
	for _, x := range v {
		f.Mean += x / float64(len(v))
	}
	return f
}

// pick gives the finite values of rows; none when the table does not have them.
func pick(values []float64, rows []int) []float64 {
	if values == nil {
		return nil
	}
	v := make([]float64, 0, len(rows))
	for _, i := range rows {
		if x := values[i]; !math.IsNaN(x) && !math.IsInf(x, 0) {
			v = append(v, x)
		}
	}
	return v
}

// quantile gives that of sorted values.
func quantile(v []float64, q float64) float64 {
	at := q * float64(len(v)-1)
	low := int(at)
	if low == len(v)-1 {
		return v[low]
	}
	return v[low] + (at-float64(low))*(v[low+1]-v[low])
}

// counts counts the values of rows, without empty ones, most frequent first.
func counts(rows []int, of func(i int) string) []Count {
	n := map[string]int{}
	for _, i := range rows {
		if v := of(i); v != "" {
			n[v]++
		}
	}
	var list []Count
	for v, flows := range n {
		list = append(list, Count{v, flows})
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Flows, a.Flows), cmp.Compare(a.Value, b.Value))
	})
	return list[:min(len(list), most)]
}
