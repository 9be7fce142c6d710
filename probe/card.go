package probe

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"detgen/dataset"
	"detgen/internal/beneath"
	"detgen/model"
	"detgen/plot"
	"detgen/probe/stats"
	"detgen/record"
	"detgen/runner"
)

// Card says by how much a model loses when one thing changes: the figure to compare models by.
type Card struct {
	Battery   int               `json:"battery"` // version
	Digest    string            `json:"battery_sha256"`
	Dataset   string            `json:"dataset"`
	Model     model.Description `json:"model"`
	Benign    []string          `json:"benign"` // activities
	Attacks   []string          `json:"attacks"`
	Clean     Cell              `json:"clean"`
	Threshold float64           `json:"threshold"` // geometric mean of the clean set, or the model's
	Factors   []CardFactor      `json:"factors"`
	Absent    []string          `json:"not_measured,omitempty"` // factors of the battery that were left out, or that no task has
	Mean      float64           `json:"mean_loss"`              // of all factors that were judged
	Runs      int               `json:"runs"`                   // of the clean set
}

// CardFactor is a row of the card.
type CardFactor struct {
	Name string  `json:"name"`
	Key  string  `json:"key"`
	Loss float64 `json:"loss"` // mean over the severities that there are
	Cell []Cell  `json:"severities"`
}

// Cell is a factor at one severity.
type Cell struct {
	Level         string           `json:"level"`
	Missing       string           `json:"missing,omitempty"` // why there is no such cell; all else is 0 then
	Area          stats.Area       `json:"area"`
	OverRuns      stats.Interval   `json:"over_runs"`
	Detection     stats.Proportion `json:"detection"`
	FalsePositive stats.Proportion `json:"false_positive"`
	// Loss is the share of the clean set's lead over chance (AUC - 0.5) that is gone: 0 nothing, 1 all of it; below 0 it
	// does better than on the clean set.
	Loss   float64        `json:"loss"`
	LossIn stats.Interval `json:"loss_interval"` // from the area's interval over runs

	// Connections of a task that this factor is not for are those of the clean set.
	Tasks []string `json:"tasks,omitempty"` // that it is for
}

// CardOptions choose what the card is made of.
type CardOptions struct {
	Options
	Benign, Attacks []string // SCENARIO/TASK
	Factors         []string // of the battery; none: all
	Runs            int      // of each point, for each task
	Engine          string   // of the plan; "" for the default
	Build           dataset.Options
}

// MakeCard judges a model on the card's dataset.
func MakeCard(ctx context.Context, dir string, m model.Model, o CardOptions) (*Card, error) {
	b, err := readBattery()
	if err != nil {
		return nil, err
	}
	factors, err := b.chosen(o.Factors)
	if err != nil {
		return nil, err
	}
	places, err := b.places(dir)
	if err != nil {
		return nil, err
	}
	s, err := Load(dir, o.Options)
	if err != nil {
		return nil, err
	}
	// What the tasks did, not what went on beside them.
	s.Items = slices.DeleteFunc(s.Items, func(i Item) bool {
		entry, _ := s.Data.Value(i.Connection, "entry")
		activity, _ := s.Data.Value(i.Connection, "activity")
		return activity != "main" || places[entry].task == ""
	})
	if len(s.Items) == 0 {
		return nil, request("%s: no connection of its tables is of an entry of its plan", dir)
	}
	if err := s.Classes(); err != nil {
		return nil, err
	}
	if _, err := s.Score(ctx, m, o.Options); err != nil {
		return nil, err
	}
	return b.card(s, places, factors, &o)
}

// card fills in the cells of some factors.
func (b *battery) card(s *Set, places map[string]place, factors []*batteryFactor, o *CardOptions) (*Card, error) {
	c := &Card{Battery: b.Version, Digest: digestOf(batteryText), Dataset: s.Data.Path, Model: s.Model}
	of := make([]place, len(s.Items))
	runs := map[string]bool{}
	for i := range s.Items {
		entry, _ := s.Data.Value(s.Items[i].Connection, "entry")
		of[i] = places[entry]
		list := &c.Benign
		if s.Items[i].Attack {
			list = &c.Attacks
		}
		if !slices.Contains(*list, s.Items[i].Activity) {
			*list = append(*list, s.Items[i].Activity)
		}
		if of[i].factor == nil {
			runs[s.connection(i).Run] = true
		}
	}
	slices.Sort(c.Benign)
	slices.Sort(c.Attacks)
	c.Runs = len(runs)
	clean := func(i int) bool { return of[i].factor == nil }
	benign, attacks := s.chosen(clean)
	if len(benign) == 0 || len(attacks) == 0 {
		return nil, request("%s: the clean set has %d benign connections and %d attacks: it takes both", s.Data.Path, len(benign), len(attacks))
	}
	_, c.Threshold = s.threshold(stats.NewROC(benign, attacks), &o.Options)
	c.Clean = s.cell("clean", clean, c.Threshold, o)
	lead := c.Clean.Area.AUC - 0.5
	if lead <= 0 {
		return nil, request("the model does no better than chance on the clean set (AUC %.3f): there is nothing that it could lose", c.Clean.Area.AUC)
	}
	for _, f := range b.Factors {
		if !slices.Contains(factors, f) {
			c.Absent = append(c.Absent, f.Name)
			continue
		}
		row := CardFactor{Name: f.Name, Key: f.Key}
		n := 0
		for k := range severities {
			cell, planned := s.factorCell(places, of, f, k, c, o)
			if !planned {
				continue
			}
			if cell.Missing == "" {
				cell.Loss = (c.Clean.Area.AUC - cell.Area.AUC) / lead
				cell.LossIn = stats.Interval{Low: (c.Clean.Area.AUC - cell.OverRuns.High) / lead, High: (c.Clean.Area.AUC - cell.OverRuns.Low) / lead}
				row.Loss, n = row.Loss+cell.Loss, n+1
			}
			row.Cell = append(row.Cell, cell)
		}
		if len(row.Cell) == 0 { // it was left out of the dataset, or none of the tasks has it
			c.Absent = append(c.Absent, f.Name)
			continue
		}
		if n > 0 {
			row.Loss /= float64(n)
		}
		c.Factors = append(c.Factors, row)
	}
	if len(c.Factors) == 0 {
		return nil, request("%s has no cell of %s: it was made without, or none of its tasks has it", s.Data.Path, strings.Join(o.Factors, ", "))
	}
	judged, _ := c.measured()
	for _, f := range c.Factors {
		if f.judged() {
			c.Mean += f.Loss / float64(judged)
		}
	}
	return c, nil
}

// measured tells of how many factors there is a cell, and how many the battery has.
func (c *Card) measured() (judged, all int) {
	for _, f := range c.Factors {
		if f.judged() {
			judged++
		}
	}
	return judged, len(c.Factors) + len(c.Absent)
}

// notMeasured tells people what the battery has beside what is on the card; "" when that is all.
func (c *Card) notMeasured() string {
	if len(c.Absent) == 0 {
		return ""
	}
	return fmt.Sprintf("not measured (left out, or of no task here): %s\n", strings.Join(c.Absent, ", "))
}

// meanText names the mean by what it is of.
func (c *Card) meanText() string {
	judged, all := c.measured()
	if judged == all {
		return "mean"
	}
	return fmt.Sprintf("mean of %d of %d", judged, all)
}

// judged tells whether there is a cell of the factor.
func (f *CardFactor) judged() bool {
	return slices.ContainsFunc(f.Cell, func(c Cell) bool { return c.Missing == "" })
}

// lossText is the factor's loss for people; "-" when all of its cells are missing.
func (f *CardFactor) lossText() string {
	if !f.judged() {
		return "-"
	}
	return fmt.Sprintf("%+.3f", f.Loss)
}

// factorCell judges a factor at one severity: the connections of the tasks that it is for, and those of the clean set
// of all others. planned tells whether any task has it.
func (s *Set) factorCell(places map[string]place, of []place, f *batteryFactor, k int, c *Card, o *CardOptions) (cell Cell, planned bool) {
	levels, made := map[string]string{}, map[string]bool{}
	for _, p := range places {
		if p.factor == f && p.at == k {
			levels[p.task] = p.level
		}
	}
	for i := range of {
		if of[i].factor == f && of[i].at == k {
			made[of[i].task] = true
		}
	}
	tasks := slices.Sorted(maps.Keys(levels))
	var words, failed []string
	for _, t := range tasks {
		if !slices.Contains(words, levels[t]) {
			words = append(words, levels[t])
		}
		if !made[t] {
			failed = append(failed, t)
		}
	}
	level := strings.Join(words, "; ")
	if len(failed) > 0 {
		return Cell{Level: level, Tasks: tasks, Missing: "no run of " + strings.Join(failed, ", ") + " succeeded"}, true
	}
	cell = s.cell(level, func(i int) bool {
		if _, is := levels[of[i].task]; is {
			return of[i].factor == f && of[i].at == k
		}
		return of[i].factor == nil
	}, c.Threshold, o)
	cell.Tasks = tasks
	return cell, len(tasks) > 0
}

// chosen gives the scores of items by class.
func (s *Set) chosen(keep func(int) bool) (benign, attacks []float64) {
	for i := range s.Items {
		switch {
		case !keep(i):
		case s.Items[i].Attack:
			attacks = append(attacks, s.Items[i].Score)
		default:
			benign = append(benign, s.Items[i].Score)
		}
	}
	return benign, attacks
}

func (s *Set) cell(level string, keep func(int) bool, threshold float64, o *CardOptions) Cell {
	benign, attacks := s.chosen(keep)
	c := Cell{Level: level, Area: stats.AUC(benign, attacks)}
	at := stats.At("", threshold, benign, attacks)
	c.Detection, c.FalsePositive = at.Detection, at.FalsePositive
	var scores []float64
	var attack []bool
	var runs []string
	for i := range s.Items {
		if keep(i) {
			scores, attack, runs = append(scores, s.Items[i].Score), append(attack, s.Items[i].Attack), append(runs, s.connection(i).Run)
		}
	}
	c.OverRuns = stats.NewClusters(runs).AUC(scores, attack, min(o.draws(), 500), o.random("card"))
	return c
}

// Write writes card.json, cells.csv and the figure.
func (c *Card) Write(dir string) error {
	f, err := newFolder(dir)
	if err != nil {
		return err
	}
	f.json("card.json", c)
	var rows [][]any
	for _, factor := range c.Factors {
		for k, cell := range factor.Cell {
			rows = append(rows, []any{factor.Name, factor.Key, k + 1, cell.Level, cell.Area.AUC, cell.OverRuns.Low, cell.OverRuns.High, cell.Loss, cell.LossIn.Low, cell.LossIn.High,
				cell.Detection.Share, cell.FalsePositive.Share, cell.Area.Benign, cell.Area.Attacks, cell.Missing})
		}
	}
	f.csv("cells.csv", []string{"factor", "key", "severity", "level", "auc", "auc_low", "auc_high", "loss", "loss_low", "loss_high", "detection", "false_positives", "benign", "attacks", "missing"}, rows)
	f.figure("card.svg", func() (*plot.Figure, error) { return DrawCards(c) })
	return f.close()
}

// ReadCard reads the card.json of a folder.
func ReadCard(dir string) (*Card, error) {
	text, err := beneath.ReadFile(dir, "card.json", record.MaxRecordSize)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	c := &Card{}
	if err := record.ParseJSON(text, c); err != nil {
		return nil, request("%s %v", filepath.Join(dir, "card.json"), err)
	}
	return c, nil
}

// DrawCards draws one card, or several side by side: a row for each factor, the mean loss with the range over its
// severities.
func DrawCards(cards ...*Card) (*plot.Figure, error) {
	title := fmt.Sprintf("Robustness card, battery %d: what is lost of the lead over chance", cards[0].Battery)
	if judged, all := cards[0].measured(); judged < all {
		title += fmt.Sprintf(" (%d of %d factors)", judged, all)
	}
	e := plot.Effects{Title: title, Label: "loss, mean over severities (lines: from the mildest to the worst loss)"}
	for _, c := range cards {
		if !c.like(cards[0]) {
			return nil, request("cards of batteries %d and %d, of %d and %d factors, cannot be compared", cards[0].Battery, c.Battery, len(cards[0].Factors), len(c.Factors))
		}
		e.Series = append(e.Series, fmt.Sprintf("%s (clean AUC %.3f, mean loss %.3f)", c.Model.Name, c.Clean.Area.AUC, c.Mean))
	}
	for i, f := range cards[0].Factors {
		if slices.ContainsFunc(cards, func(c *Card) bool { return !c.Factors[i].judged() }) {
			continue
		}
		row := plot.Effect{Name: f.Name, Strong: true}
		for _, c := range cards {
			v := plot.EffectValue{Value: c.Factors[i].Loss, Low: math.Inf(1), High: math.Inf(-1)}
			for _, cell := range c.Factors[i].Cell {
				if cell.Missing == "" {
					v.Low, v.High = min(v.Low, cell.Loss), max(v.High, cell.Loss)
				}
			}
			row.Values = append(row.Values, v)
		}
		e.Rows = append(e.Rows, row)
	}
	return e.Draw()
}

// WriteText prints the card.
func (c *Card) WriteText(out io.Writer, dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "robustness card of %s, battery %d\n  benign: %s; attacks: %s; %d clean runs\n", c.Model.Name, c.Battery, strings.Join(c.Benign, ", "), strings.Join(c.Attacks, ", "), c.Runs)
	fmt.Fprintf(&b, "  clean: AUC %.4f (%.4f to %.4f over runs), detection %.2f %%, false positives %.2f %% at %.4g\n\n", c.Clean.Area.AUC, c.Clean.OverRuns.Low, c.Clean.OverRuns.High,
		100*c.Clean.Detection.Share, 100*c.Clean.FalsePositive.Share, c.Threshold)
	fmt.Fprintf(&b, "  %-18s %7s   loss at severity 1 to %d\n", "factor", "loss", severities)
	for _, f := range c.Factors {
		fmt.Fprintf(&b, "  %-18s %7s  ", f.Name, f.lossText())
		for _, cell := range f.Cell {
			if cell.Missing != "" {
				fmt.Fprintf(&b, " %7s", "-")
				continue
			}
			fmt.Fprintf(&b, " %+7.3f", cell.Loss)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  %-18s %+7.3f\n", c.meanText(), c.Mean)
	if absent := c.notMeasured(); absent != "" {
		b.WriteString("  - " + absent)
	}
	for _, f := range c.Factors {
		for _, cell := range f.Cell {
			if cell.Missing != "" {
				fmt.Fprintf(&b, "  - %s at %s: %s\n", f.Name, cell.Level, cell.Missing)
			}
		}
	}
	if dir != "" {
		fmt.Fprintf(&b, "\n  %s has all of it, with a figure\n", filepath.Join(dir, "card.json"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// like tells whether two cards have the same battery and the same factors.
func (c *Card) like(other *Card) bool {
	return c.Digest == other.Digest && slices.EqualFunc(c.Factors, other.Factors, func(a, b CardFactor) bool { return a.Name == b.Name })
}

func digestOf(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }
