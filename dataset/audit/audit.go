// Package audit looks for what makes a dataset of flows a bad teacher: the design smells of Flood, Engelen and Aspinall
// ("Bad design smells in benchmark NIDS datasets", EuroS&P 2024) and the faults that users of CICIDS-2017 found. It
// works on any table of flows or capture that package flowset reads. docs/audit.md tells how each figure is computed.
package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"detgen/dataset/flowset"
	"detgen/seed"
)

// Options of an audit. The zero value of each field has the default that its comment names.
type Options struct {
	Seed    uint64 // of samples; any number gives the same report again
	Sample  int    // flows that the methods whose time grows with the square of the flows look at, at most; 6000
	Pairs   int    // pairs of flows a class for PDD and TC; 1000
	Folds   int    // of cross-validation; 5
	MinRows int    // flows that a class must have to be judged; 30
}

func (o *Options) defaults() {
	for _, f := range []struct {
		value    *int
		standard int
	}{{&o.Sample, 6000}, {&o.Pairs, 1000}, {&o.Folds, 5}, {&o.MinRows, 30}} {
		if *f.value <= 0 {
			*f.value = f.standard
		}
	}
}

// Severity tells how bad a finding is.
type Severity string

// The severities. A Fault makes "detgen audit" end with 1.
const (
	Note  Severity = "note"
	Fault Severity = "fault"
)

// Finding is one thing that was found.
type Finding struct {
	Check    string   `json:"check"` // as in docs/audit.md
	Severity Severity `json:"severity"`
	Class    string   `json:"class,omitempty"`  // the label it is about
	Column   string   `json:"column,omitempty"` // the column it is about
	Value    float64  `json:"value"`            // what was measured
	Limit    float64  `json:"limit"`            // beyond which it is a finding
	Message  string   `json:"message"`
	Runs     []string `json:"runs,omitempty"` // that made it, where the table has a column for runs; at most ten
}

// Class is what was measured of one label.
type Class struct {
	Label       string  `json:"label"`
	Flows       int     `json:"flows"`
	Diversity   float64 `json:"pdd"`            // mean cosine of pairs within a cluster (PDD), in [0, 1]; high is poor
	Collapse    float64 `json:"tc"`             // share of these pairs whose cosine is above 0.95 (TC)
	Clusters    int     `json:"clusters"`       // that PDD was computed in
	BestFeature string  `json:"best_feature"`   // that alone tells the label from benign flows best
	BestF1      float64 `json:"best_f1"`        // its F1 in cross-validation
	Noise       float64 `json:"label_noise"`    // share whose four nearest neighbours have mostly another label
	Background  float64 `json:"background"`     // share to ports of background services
	Repeated    float64 `json:"repeated"`       // share whose features are those of an earlier flow of the label
	Retransmits float64 `json:"retransmission"` // retransmitted share of its TCP packets; negative: not known
}

// Report is the result of an audit.
type Report struct {
	Name     string    `json:"name"`
	Flows    int       `json:"flows"`
	Columns  int       `json:"columns"`
	Sampled  int       `json:"sampled"` // flows that the sampled methods looked at
	Classes  []Class   `json:"classes"`
	Findings []Finding `json:"findings"`
}

// Faults is the number of findings that are faults.
func (r *Report) Faults() int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == Fault {
			n++
		}
	}
	return n
}

// auditor is an audit that is going on.
type auditor struct {
	Options
	set     *flowset.Set
	scaled  *matrix // all flows, each column scaled to [0, 1]
	labels  []string
	rows    map[string][]int // of each label
	sampled []int            // a stratified sample, in order
	report  *Report
}

// Run audits a set.
func Run(ctx context.Context, set *flowset.Set, o Options) (*Report, error) {
	o.defaults()
	a := &auditor{Options: o, set: set, report: &Report{Name: set.Name, Flows: set.Len(), Columns: len(set.Columns)}}
	if len(set.Label) == 0 {
		set.Label = make([]string, set.Len()) // a capture: one class
	}
	a.labels, a.rows = set.Labels()
	a.scaled = scale(set)
	a.sampled = a.stratified()
	a.report.Sampled = len(a.sampled)
	for _, l := range a.labels {
		a.report.Classes = append(a.report.Classes, Class{Label: l, Flows: len(a.rows[l]), Retransmits: -1})
	}
	for _, check := range []func(){
		a.values, a.sizes, a.repeats, a.separability, a.neighbours, a.diversity, a.background, a.retransmissions, a.leaks, a.splits, a.clock,
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		check()
	}
	return a.report, nil
}

// find adds a finding.
func (a *auditor) find(f Finding, rows []int) {
	if a.set.Run != nil {
		for _, i := range rows {
			if len(f.Runs) < 10 && !slices.Contains(f.Runs, a.set.Run[i]) {
				f.Runs = append(f.Runs, a.set.Run[i])
			}
		}
	}
	a.report.Findings = append(a.report.Findings, f)
}

// class gives the entry of a label.
func (a *auditor) class(label string) *Class {
	i := slices.IndexFunc(a.report.Classes, func(c Class) bool { return c.Label == label })
	return &a.report.Classes[i]
}

// attacks are the labels that are not benign and have enough flows to be judged.
func (a *auditor) attacks() []string {
	return slices.DeleteFunc(slices.Clone(a.labels), func(l string) bool { return flowset.Benign(l) || len(a.rows[l]) < a.MinRows })
}

// benign are the rows of all benign labels.
func (a *auditor) benign() []int {
	var rows []int
	for _, l := range a.labels {
		if flowset.Benign(l) {
			rows = append(rows, a.rows[l]...)
		}
	}
	return rows
}

// stratified draws a sample in which each label has its share, but at least a fair number of flows.
func (a *auditor) stratified() []int {
	if a.set.Len() <= a.Sample {
		all := make([]int, a.set.Len())
		for i := range all {
			all[i] = i
		}
		return all
	}
	var sample []int
	least := a.Sample / (4 * len(a.labels))
	for _, l := range a.labels {
		n := max(a.Sample*len(a.rows[l])/a.set.Len(), least)
		sample = append(sample, a.draw("sample/"+l, a.rows[l], n)...)
	}
	slices.Sort(sample)
	return sample
}

// draw gives n of rows, or all when there are no more, without order.
func (a *auditor) draw(stream string, rows []int, n int) []int {
	if len(rows) <= n {
		return rows
	}
	drawn := slices.Clone(rows)
	random := a.stream(stream)
	for i := range n {
		j := i + random.IntN(len(drawn)-i)
		drawn[i], drawn[j] = drawn[j], drawn[i]
	}
	return drawn[:n]
}

func (a *auditor) stream(name string) *rand.Rand { return seed.Stream(a.Seed, "audit/"+name) }

func percent(x float64) string { return fmt.Sprintf("%.3g %%", 100*x) }
