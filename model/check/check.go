// Package check finds what bites people who score traffic with a model: scores that change from call to call, with the
// batch or the order; that are no numbers, the same for everything, or upside down; items that are cut short without a
// word; columns that the model does not look at.
package check

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"detgen/internal/problem"
	"detgen/model"
	"detgen/model/items"
	"detgen/seed"
)

// Options of a check. The zero value of each field has the default that its comment names.
type Options struct {
	Seed   uint64 // of the items that are drawn
	Sample int    // items that are scored, at most: 2000
	Single int    // of these, that are scored one by one too: 50
	Split  string // only connections of this split; "" is all
}

// Severity tells how bad a finding is.
type Severity string

// The severities. A Fault makes "detgen model check" end with 1.
const (
	Note  Severity = "note"
	Fault Severity = "fault"
)

// Finding is one thing that was found.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Item     string   `json:"item,omitempty"` // that shows it
	Value    float64  `json:"value"`          // what was measured: shares, differences, the AUC
	Message  string   `json:"message"`
}

// Report is the result of a check.
type Report struct {
	Model    model.Description `json:"model"`
	Dataset  string            `json:"dataset"`
	Items    int               `json:"items"` // that were scored
	Attacks  int               `json:"attacks"`
	Skipped  int               `json:"skipped"`       // connections that no item could be made of
	AUC      *float64          `json:"auc,omitempty"` // only with both classes
	Lowest   float64           `json:"lowest"`
	Highest  float64           `json:"highest"`
	Findings []Finding         `json:"findings"`
}

// Faults is the number of findings that are faults.
func (r *Report) Faults() (n int) {
	for _, f := range r.Findings {
		if f.Severity == Fault {
			n++
		}
	}
	return n
}

func (r *Report) add(s Severity, check, item string, value float64, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{check, s, item, value, fmt.Sprintf(format, args...)})
}

// checker is a check going on.
type checker struct {
	*Report
	ctx    context.Context
	m      model.Model
	o      Options
	items  []model.Item
	attack []bool
	scores []model.Score // of items
}

// Named checks the model that a text names on the dataset, run or table at path. What cannot be opened is a problem.Request, as
// is all that keeps the model from being checked: then there is no report.
func Named(ctx context.Context, spec string, opening model.Options, path string, o Options) (*Report, error) {
	d, err := items.Open(path)
	if err != nil {
		return nil, problem.InRequest(err)
	}
	m, err := model.Open(spec, opening)
	if err != nil {
		return nil, problem.InRequest(err)
	}
	defer m.Close()
	report, err := Run(ctx, m, d, o)
	if report == nil {
		err = problem.InRequest(err)
	}
	return report, err
}

// Run checks a model on a dataset. What the model does wrong is in the report; an error is what keeps it from being
// checked.
func Run(ctx context.Context, m model.Model, d *items.Dataset, o Options) (*Report, error) {
	o.Sample, o.Single = orDefault(o.Sample, 2000), orDefault(o.Single, 50)
	c := &checker{Report: &Report{Model: m.Describe(), Dataset: d.Path}, ctx: ctx, m: m, o: o}
	which, err := c.draw(d)
	if err != nil {
		return nil, err
	}
	made, err := d.Make(ctx, m.Describe(), which)
	if err != nil {
		return nil, err
	}
	c.items, c.Skipped = made.Items, len(made.Skipped)
	c.attack = make([]bool, len(c.items))
	for i := range c.items {
		if c.attack[i] = made.Attack(d, i); c.attack[i] {
			c.Attacks++
		}
	}
	c.Items = len(c.items)
	if err := c.score(); err != nil || c.scores == nil {
		return c.Report, err
	}
	for _, step := range []func() error{c.spread, c.direction, c.again, c.order, c.batch, c.cut, c.columns} {
		if err := step(); err != nil {
			return c.Report, err
		}
	}
	return c.Report, nil
}

func orDefault(n, usual int) int {
	if n == 0 {
		return usual
	}
	return n
}

// draw draws the connections, as many of each class as there are in the dataset, in the order of the table.
func (c *checker) draw(d *items.Dataset) ([]int, error) {
	var all []int
	for i := range d.Connections {
		if c.o.Split == "" || d.Connections[i].Split == c.o.Split {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no connection in split %q", d.Path, c.o.Split)
	}
	seed.Stream(c.o.Seed, "model/check").Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:min(len(all), c.o.Sample)]
	slices.Sort(all)
	return all, nil
}

// ask scores items; what the model does wrong with one is a finding, and then there are no scores.
func (c *checker) ask(list []model.Item) ([]model.Score, error) {
	scores, err := c.m.Score(c.ctx, list)
	if err == nil {
		err = model.Check(c.Model, list, scores)
	}
	if err == nil || c.ctx.Err() != nil {
		return scores, errors.Join(err, c.ctx.Err())
	}
	var of *model.ItemError
	id := ""
	if errors.As(err, &of) {
		id = of.ID
	}
	c.add(Fault, "score", id, float64(len(scores)), "%v (%d of %d items were scored before)", err, len(scores), len(list))
	return nil, nil
}

func (c *checker) score() (err error) {
	c.scores, err = c.ask(c.items)
	return err
}

// spread looks at how scores are spread.
func (c *checker) spread() error {
	c.Lowest, c.Highest = math.Inf(1), math.Inf(-1)
	above := 0
	for i := range c.scores {
		s := c.scores[i].Score
		c.Lowest, c.Highest = min(c.Lowest, s), max(c.Highest, s)
		if c.Model.Threshold != nil && s > *c.Model.Threshold {
			above++
		}
		if c.Model.Probability && (s < 0 || s > 1) {
			c.add(Fault, "range", c.items[i].ID, s, "a score that is called a probability is %g (of a logit, an ONNX file's manifest makes one: activation)", s)
			break
		}
	}
	if c.Lowest == c.Highest && len(c.scores) > 1 {
		how := Fault
		if c.Attacks == 0 || c.Attacks == len(c.items) {
			how = Note // a detector may say the same of all that is of one class
		}
		c.add(how, "constant", "", c.Lowest, "all %d items have the score %g", len(c.scores), c.Lowest)
	}
	if t := c.Model.Threshold; t != nil && (above == 0 || above == len(c.scores)) {
		c.add(Note, "threshold", "", *t, "%d of %d items are above the model's threshold %g", above, len(c.scores), *t)
	}
	return nil
}

// direction looks whether attacks have higher scores. The AUC's error is that of Hanley and McNeil (1982).
func (c *checker) direction() error {
	if c.Attacks == 0 || c.Attacks == len(c.items) {
		c.add(Note, "direction", "", 0, "all items are of one class, so which scores attacks have cannot be told")
		return nil
	}
	if c.Lowest == c.Highest {
		c.AUC = new(0.5)
		return nil
	}
	values := make([]float64, len(c.scores))
	for i := range values {
		values[i] = c.scores[i].Score
	}
	area, se := auc(values, c.attack)
	c.AUC = &area
	switch {
	case area+1.96*se < 0.5:
		c.add(Fault, "direction", "", area, "the AUC is %.3f: benign items have higher scores than attacks. Turn the score (direction: lower), or ask whether it measures attacks at all", area)
	case area-1.96*se < 0.5:
		c.add(Note, "direction", "", area, "the AUC is %.3f: the scores do not tell attacks from benign items here", area)
	}
	return nil
}

// auc is the probability that an attack has a higher score than a benign item, ties halved, and its standard error.
func auc(scores []float64, attack []bool) (area, se float64) {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	var attacks, ranks float64
	for i := 0; i < len(order); {
		k := i
		for k < len(order) && scores[order[k]] == scores[order[i]] {
			k++
		}
		for _, j := range order[i:k] {
			if attack[j] {
				attacks++
				ranks += float64(i+k+1) / 2
			}
		}
		i = k
	}
	benign := float64(len(scores)) - attacks
	area = (ranks - attacks*(attacks+1)/2) / (attacks * benign)
	q1, q2 := area/(2-area), 2*area*area/(1+area)
	return area, math.Sqrt(max(0, (area*(1-area)+(attacks-1)*(q1-area*area)+(benign-1)*(q2-area*area))/(attacks*benign)))
}

// tolerance is what scores may differ by, as a share of the range of all: what other orders of adding up give.
const tolerance = 1e-4

// differs gives the item whose score differs most from what it was, and by how much of the range.
func (c *checker) differs(list []model.Item, scores []model.Score) (worst string, most float64, count int) {
	was := make(map[string]float64, len(c.scores))
	for i := range c.scores {
		was[c.scores[i].ID] = c.scores[i].Score
	}
	span := c.Highest - c.Lowest
	for i := range list {
		d := math.Abs(scores[i].Score - was[list[i].ID])
		if span > 0 {
			d /= span
		}
		if d > tolerance {
			count++
		}
		if d > most {
			worst, most = list[i].ID, d
		}
	}
	return worst, most, count
}

// compare scores items in another way and tells when scores differ.
func (c *checker) compare(check string, list []model.Item, scores []model.Score, message string) bool {
	item, most, count := c.differs(list, scores)
	if count == 0 {
		return false
	}
	c.add(Fault, check, item, most, "%s: %d of %d scores differ, by up to %.2g of their range", message, count, len(list), most)
	return true
}

// again looks whether the same items have the same scores in a second call.
func (c *checker) again() error {
	scores, err := c.ask(c.items)
	if err != nil || scores == nil {
		return err
	}
	c.compare("deterministic", c.items, scores, "the same items have other scores when they are scored again")
	return nil
}

// has tells whether there is a finding of a check.
func (c *checker) has(check string) bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Check == check })
}

// order looks whether scores depend on the order. What is not deterministic is not asked.
func (c *checker) order() error {
	if c.has("deterministic") || c.has("constant") {
		return nil
	}
	list := slices.Clone(c.items)
	slices.Reverse(list)
	scores, err := c.ask(list)
	if err != nil || scores == nil {
		return err
	}
	c.compare("order", list, scores, "items have other scores in the opposite order")
	return nil
}

// batch looks whether scores depend on what else is in the call.
func (c *checker) batch() error {
	if c.has("deterministic") || c.has("constant") {
		return nil
	}
	list := slices.Clone(c.items)
	seed.Stream(c.o.Seed, "model/check/batch").Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	list = list[:min(len(list), c.o.Single)]
	var scores []model.Score
	for i := range list {
		one, err := c.ask(list[i : i+1])
		if err != nil || one == nil {
			return err
		}
		scores = append(scores, one...)
	}
	c.compare("batch", list, scores, "items have other scores when they are scored one by one")
	return nil
}
