package audit

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"slices"
	"strings"

	"detgen/dataset/flowset"
)

// Limits beyond which something is a finding. Those with a figure from the paper name it.
const (
	limitRepeated       = 0.5  // of a class's flows are copies of another one's features
	limitF1             = 0.98 // a single feature tells the class (most classes of CICIDS-2017: 0.93 to 1.0)
	limitNoise          = 0.05
	limitDiversity      = 0.95 // PDD (DetGen's DoS: 0.89; Hulk: 0.98)
	limitCollapse       = 0.9  // TC (DetGen's DoS: 0.62; Hulk: 0.98)
	limitBackground     = 0.01
	limitRetransmission = 0.03 // normally 3 % at most; CICIDS-2017: 15 %, Bot-IoT: 34 %
	limitLeak           = 0.9  // F1 of an address or the time alone
)

// values finds columns without information and values that are no numbers.
func (a *auditor) values() {
	var constant []string
	for _, c := range a.set.Columns {
		infinite, missing := 0, 0
		low, high := math.Inf(1), math.Inf(-1)
		for _, x := range c.Values {
			switch {
			case math.IsInf(x, 0):
				infinite++
			case math.IsNaN(x):
				missing++
			default:
				low, high = min(low, x), max(high, x)
			}
		}
		n := float64(a.set.Len())
		if infinite > 0 {
			a.find(Finding{Check: "infinity", Severity: Fault, Column: c.Name, Value: float64(infinite) / n,
				Message: fmt.Sprintf("%d of %d values are infinite", infinite, a.set.Len())}, nil)
		}
		if infinite == 0 && (missing == a.set.Len() || high == low) {
			constant = append(constant, c.Name)
		}
		if c.Name == "Flow Duration" && low < 0 {
			a.find(Finding{Check: "clock", Severity: Fault, Column: c.Name, Value: low, Message: fmt.Sprintf("a flow has a negative duration (%g)", low)}, nil)
		}
	}
	if len(constant) > 0 {
		a.find(Finding{Check: "constant", Severity: Note, Value: float64(len(constant)), Message: "columns of one value: " + strings.Join(constant, ", ")}, nil)
	}
}

// sizes finds classes that are too small to learn or to judge.
func (a *auditor) sizes() {
	for _, l := range a.labels {
		if n := len(a.rows[l]); n < a.MinRows && !flowset.Benign(l) {
			a.find(Finding{Check: "small class", Severity: Note, Class: l, Value: float64(n), Limit: float64(a.MinRows),
				Message: fmt.Sprintf("%d flows: too few to be judged", n)}, a.rows[l])
		}
	}
}

// repeats finds flows whose measured columns are all those of another one, and such that have two labels.
func (a *auditor) repeats() {
	first := map[uint64]int{}
	contradictions := map[string][]int{}
	for i, sum := range a.sums() {
		j, known := first[sum]
		if !known {
			first[sum] = i
			continue
		}
		if a.set.Label[i] == a.set.Label[j] {
			a.class(a.set.Label[i]).Repeated += 1 / float64(len(a.rows[a.set.Label[i]]))
			continue
		}
		both := []string{a.set.Label[i], a.set.Label[j]}
		slices.Sort(both)
		pair := strings.Join(both, " and ")
		contradictions[pair] = append(contradictions[pair], i)
	}
	for _, c := range a.report.Classes {
		if c.Repeated > limitRepeated {
			a.find(Finding{Check: "duplicates", Severity: Fault, Class: c.Label, Value: c.Repeated, Limit: limitRepeated,
				Message: percent(c.Repeated) + " of the flows are copies of another flow of the class"}, a.rows[c.Label])
		}
	}
	for _, pair := range sortedKeys(contradictions) {
		rows := contradictions[pair]
		a.find(Finding{Check: "contradiction", Severity: Fault, Class: pair, Value: float64(len(rows)),
			Message: fmt.Sprintf("%d flows have the features of a flow with the other label", len(rows))}, rows)
	}
}

// sums gives a hash of each flow's measured columns: flows that are the same have the same one.
func (a *auditor) sums() iter.Seq2[int, uint64] {
	seed := maphash.MakeSeed()
	text := make([]byte, 8*len(a.set.Columns))
	return func(yield func(int, uint64) bool) {
		for i := range a.set.Len() {
			for k, c := range a.set.Columns {
				binary.LittleEndian.PutUint64(text[8*k:], math.Float64bits(c.Values[i]))
			}
			if !yield(i, maphash.Bytes(seed, text)) {
				return
			}
		}
	}
}

// separability finds classes that one feature alone tells from benign flows.
func (a *auditor) separability() {
	benign := a.draw("separability/benign", a.benign(), a.Sample/2)
	if len(benign) < a.MinRows {
		return
	}
	for _, l := range a.attacks() {
		rows := a.draw("separability/"+l, a.rows[l], a.Sample/2)
		class := a.class(l)
		for _, c := range a.set.Columns {
			if f1 := a.oneFeature("separability/"+l+"/"+c.Name, c.Values, rows, benign); f1 > class.BestF1 {
				class.BestFeature, class.BestF1 = c.Name, f1
			}
		}
		if class.BestF1 > limitF1 {
			a.find(Finding{Check: "single feature", Severity: Note, Class: l, Column: class.BestFeature, Value: class.BestF1, Limit: limitF1,
				Message: fmt.Sprintf("it alone tells the class from benign flows with F1 %.3f", class.BestF1)}, nil)
		}
	}
}

// oneFeature gives the F1 with which one column tells rows from others.
func (a *auditor) oneFeature(stream string, values []float64, rows, others []int) float64 {
	random := a.stream(stream)
	data := make([]sample, 0, len(rows)+len(others))
	for _, i := range rows {
		data = append(data, sample{number(values[i]), true})
	}
	for _, i := range others {
		data = append(data, sample{number(values[i]), false})
	}
	random.Shuffle(len(data), func(i, j int) { data[i], data[j] = data[j], data[i] })
	return separable(data, a.Folds, random.IntN)
}

// number gives a value that can be compared: what is none is below all others.
func number(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, -1) {
		return -math.MaxFloat64
	}
	return min(x, math.MaxFloat64)
}

// nearest is the number of neighbours that vote on a flow's label (edited nearest neighbours, Wilson 1972).
const nearest = 4

// neighbours finds labels that the nearest flows do not share.
func (a *auditor) neighbours() {
	if len(a.labels) < 2 {
		return
	}
	counts := map[string][2]int{} // of a label: flows looked at, flows whose neighbours disagree
	noisy := map[string][]int{}
	for _, i := range a.sampled {
		near := make(farthest, 0, nearest+1)
		for _, j := range a.sampled {
			if i == j {
				continue
			}
			d := distance(a.scaled.row(i), a.scaled.row(j))
			if len(near) < nearest {
				heap.Push(&near, neighbour{d, j})
			} else if d < near[0].distance {
				near[0] = neighbour{d, j}
				heap.Fix(&near, 0)
			}
		}
		other := 0
		for _, n := range near {
			if a.set.Label[n.row] != a.set.Label[i] {
				other++
			}
		}
		c := counts[a.set.Label[i]]
		c[0]++
		if 2*other > nearest {
			c[1]++
			noisy[a.set.Label[i]] = append(noisy[a.set.Label[i]], i)
		}
		counts[a.set.Label[i]] = c
	}
	for _, l := range a.labels {
		c := counts[l]
		if c[0] == 0 {
			continue
		}
		share := float64(c[1]) / float64(c[0])
		a.class(l).Noise = share
		if share > limitNoise && len(a.rows[l]) >= a.MinRows {
			a.find(Finding{Check: "label noise", Severity: Fault, Class: l, Value: share, Limit: limitNoise,
				Message: percent(share) + " of the flows have nearest neighbours of mostly another label"}, noisy[l])
		}
	}
}

type neighbour struct {
	distance float32
	row      int
}

// farthest is a heap with the farthest neighbour on top.
type farthest []neighbour

func (h farthest) Len() int           { return len(h) }
func (h farthest) Less(i, j int) bool { return h[i].distance > h[j].distance }
func (h farthest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *farthest) Push(x any)        { *h = append(*h, x.(neighbour)) }
func (h *farthest) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// diversity measures how alike the flows of a class are: poor data diversity and traffic collapse.
func (a *auditor) diversity() {
	for _, l := range a.labels {
		if len(a.rows[l]) < 2 {
			continue
		}
		class := a.class(l)
		random := a.stream("diversity/" + l)
		groups := clusters(a.scaled, a.draw("clusters/"+l, a.rows[l], a.Sample/4), random)
		class.Clusters = len(groups)
		pairs, sum, alike := 0, 0.0, 0
		total := 0
		for _, g := range groups {
			total += len(g)
		}
		for _, g := range groups {
			if len(g) < 2 {
				continue
			}
			for range max(a.Pairs*len(g)/total, 1) {
				i := random.IntN(len(g))
				j := random.IntN(len(g) - 1)
				if j >= i {
					j++
				}
				c := cosine(a.scaled.row(g[i]), a.scaled.row(g[j]))
				pairs++
				sum += c
				if c > 0.95 {
					alike++
				}
			}
		}
		if pairs == 0 {
			continue
		}
		class.Diversity, class.Collapse = sum/float64(pairs), float64(alike)/float64(pairs)
		if flowset.Benign(l) || len(a.rows[l]) < a.MinRows {
			continue
		}
		if class.Diversity > limitDiversity {
			a.find(Finding{Check: "poor diversity", Severity: Note, Class: l, Value: class.Diversity, Limit: limitDiversity,
				Message: fmt.Sprintf("flows of a cluster have a mean cosine of %.3f", class.Diversity)}, nil)
		}
		if class.Collapse > limitCollapse {
			a.find(Finding{Check: "traffic collapse", Severity: Note, Class: l, Value: class.Collapse, Limit: limitCollapse,
				Message: percent(class.Collapse) + " of pairs have a cosine above 0.95"}, nil)
		}
	}
}

// backgroundPorts are those of services that hosts use by themselves: DNS, DHCP, Kerberos, NTP, NetBIOS, SNMP, LDAP, SMB,
// SSDP, mDNS, LLMNR. A flow to them in an attack class is likely to be something else.
var backgroundPorts = []uint16{53, 67, 68, 88, 123, 137, 138, 139, 161, 389, 445, 1900, 5353, 5355}

// background finds attack classes with flows of background services.
func (a *auditor) background() {
	if a.set.DestinationPort == nil {
		return
	}
	for _, l := range a.labels {
		var to []int
		for _, i := range a.rows[l] {
			if slices.Contains(backgroundPorts, a.set.DestinationPort[i]) {
				to = append(to, i)
			}
		}
		share := float64(len(to)) / float64(len(a.rows[l]))
		a.class(l).Background = share
		if share > limitBackground && !flowset.Benign(l) && len(a.rows[l]) >= a.MinRows {
			a.find(Finding{Check: "background in an attack", Severity: Fault, Class: l, Value: share, Limit: limitBackground,
				Message: percent(share) + " of the flows go to ports of background services"}, to)
		}
	}
}

// retransmissions finds classes whose variety is made by a bad network.
func (a *auditor) retransmissions() {
	var repeated [][]float64
	for _, name := range []string{"Fwd Retransmission", "Bwd Retransmission", "Fwd Fast Retransmission", "Bwd Fast Retransmission"} {
		if c := a.set.Column(name); c != nil {
			repeated = append(repeated, c)
		}
	}
	up, down := a.set.Column("Total Fwd Packets"), a.set.Column("Total Backward Packets")
	if len(repeated) == 0 || up == nil || down == nil {
		return
	}
	for _, l := range a.labels {
		again, packets := 0.0, 0.0
		for _, i := range a.rows[l] {
			if a.set.Protocol != nil && a.set.Protocol[i] != 6 {
				continue
			}
			packets += up[i] + down[i]
			for _, c := range repeated {
				if !math.IsNaN(c[i]) {
					again += c[i]
				}
			}
		}
		if packets == 0 {
			continue
		}
		share := again / packets
		a.class(l).Retransmits = share
		if share > limitRetransmission {
			a.find(Finding{Check: "artificial diversity", Severity: Note, Class: l, Value: share, Limit: limitRetransmission,
				Message: percent(share) + " of TCP packets are retransmissions, 3 % at most are usual"}, a.rows[l])
		}
	}
}

// leaks finds what gives the label away without being traffic: addresses, the source port, the time of day.
func (a *auditor) leaks() {
	benign := a.draw("leak/benign", a.benign(), a.Sample/2)
	if len(benign) < a.MinRows {
		return
	}
	address := func(i int, of func(int) string, known map[string]float64) float64 {
		text := of(i)
		if _, ok := known[text]; !ok {
			known[text] = float64(len(known))
		}
		return known[text]
	}
	type leak struct {
		column string
		value  func(i int) float64
	}
	var list []leak
	if a.set.Source != nil {
		known := map[string]float64{}
		list = append(list, leak{"source address", func(i int) float64 {
			return address(i, func(i int) string { return a.set.Source[i].String() }, known)
		}})
	}
	if a.set.Destination != nil {
		known := map[string]float64{}
		list = append(list, leak{"destination address", func(i int) float64 {
			return address(i, func(i int) string { return a.set.Destination[i].String() }, known)
		}})
	}
	if a.set.SourcePort != nil {
		list = append(list, leak{"source port", func(i int) float64 { return float64(a.set.SourcePort[i]) }})
	}
	if a.set.DestinationPort != nil {
		list = append(list, leak{"destination port", func(i int) float64 { return float64(a.set.DestinationPort[i]) }})
	}
	if a.set.Start != nil {
		list = append(list, leak{"time", func(i int) float64 { return float64(a.set.Start[i]) }})
	}
	for _, name := range []string{"TTL", "Fwd TTL", "Bwd TTL"} {
		if c := a.set.Column(name); c != nil {
			list = append(list, leak{name, func(i int) float64 { return c[i] }})
		}
	}
	for _, l := range a.attacks() {
		rows := a.draw("leak/"+l, a.rows[l], a.Sample/2)
		for _, leak := range list {
			values := make([]float64, a.set.Len())
			for _, i := range slices.Concat(rows, benign) {
				values[i] = leak.value(i)
			}
			f1 := a.oneFeature("leak/"+l+"/"+leak.column, values, rows, benign)
			if f1 > limitLeak {
				a.find(Finding{Check: "leak", Severity: Note, Class: l, Column: leak.column, Value: f1, Limit: limitLeak,
					Message: fmt.Sprintf("it alone tells the class from benign flows with F1 %.3f: leave it out when you train", f1)}, nil)
			}
		}
	}
}

// splits finds runs, and flows with the same features, in more than one split.
func (a *auditor) splits() {
	if a.set.Split == nil {
		return
	}
	if a.set.Run != nil {
		of := map[string]string{}
		torn := map[string]bool{}
		for i, r := range a.set.Run {
			if s, ok := of[r]; ok && s != a.set.Split[i] {
				torn[r] = true
			}
			of[r] = a.set.Split[i]
		}
		if len(torn) > 0 {
			f := Finding{Check: "split leakage", Severity: Fault, Value: float64(len(torn)), Message: fmt.Sprintf("%d runs have flows in two splits", len(torn))}
			f.Runs = sortedKeys(torn)
			f.Runs = f.Runs[:min(len(f.Runs), 10)]
			a.find(f, nil)
		}
	}
	first := map[uint64]string{}
	var shared []int
	for i, sum := range a.sums() {
		if s, ok := first[sum]; ok && s != a.set.Split[i] {
			shared = append(shared, i)
		} else if !ok {
			first[sum] = a.set.Split[i]
		}
	}
	if len(shared) > 0 {
		a.find(Finding{Check: "split leakage", Severity: Fault, Value: float64(len(shared)) / float64(a.set.Len()),
			Message: fmt.Sprintf("%d flows have all features of a flow in another split", len(shared))}, shared)
	}
}

// clock finds flows that start before the one above them in a table that is otherwise in order of time.
func (a *auditor) clock() {
	if a.set.Start == nil {
		return
	}
	back, last := 0, int64(math.MinInt64)
	var rows []int
	for i, t := range a.set.Start {
		if t == 0 {
			continue
		}
		if t < last {
			back++
			rows = append(rows, i)
		}
		last = t
	}
	if share := float64(back) / float64(a.set.Len()); back > 0 && share < 0.01 {
		a.find(Finding{Check: "clock", Severity: Note, Value: share, Message: fmt.Sprintf("%d flows start before the flow above them", back)}, rows)
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
