package probe

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detgen/dataset"
	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/model"
	"detgen/plot"
	"detgen/probe/stats"
	"detgen/record"
	"detgen/runner"

	"go.yaml.in/yaml/v3"
)

//go:embed battery-1.yaml
var batteryText []byte

// battery is the fixed set of factors and severities that a card is made with.
type battery struct {
	Version int              `yaml:"version"`
	Factors []*batteryFactor `yaml:"factors"`
}

type batteryFactor struct {
	Name       string   `yaml:"name"`
	Key        string   `yaml:"key"`
	Clean      string   `yaml:"clean"`
	Severities []string `yaml:"severities"`
}

// severities is how many a factor has at most.
const severities = 5

func readBattery() (*battery, error) {
	b, ps := &battery{}, &problem.List{}
	strictyaml.Read("battery-1.yaml", batteryText, b, ps)
	return b, ps.Err()
}

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
	Mean      float64           `json:"mean_loss"` // of all factors
}

// CardFactor is a row of the card.
type CardFactor struct {
	Name string  `json:"name"`
	Key  string  `json:"key"`
	Loss float64 `json:"loss"` // mean over severities
	Cell []Cell  `json:"severities"`
}

// Cell is a factor at one severity.
type Cell struct {
	Level         string           `json:"level"`
	Area          stats.Area       `json:"area"`
	OverRuns      stats.Interval   `json:"over_runs"`
	Detection     stats.Proportion `json:"detection"`
	FalsePositive stats.Proportion `json:"false_positive"`
	// Loss is the share of the clean set's lead over chance (AUC - 0.5) that is gone: 0 nothing, 1 all of it; below 0 it
	// does better than on the clean set.
	Loss   float64        `json:"loss"`
	LossIn stats.Interval `json:"loss_interval"` // from the area's interval over runs
}

// CardOptions choose what the card is made of.
type CardOptions struct {
	Options
	Benign, Attacks []string // SCENARIO/TASK
	Runs            int      // of each point, for each task
	Engine          string   // of the plan; "" for the default
	Build           dataset.Options
}

// plan writes the battery as the plan of a dataset: for each task, every severity of every factor with the others
// clean, on the same seeds.
func (b *battery) plan(o *CardOptions) ([]byte, error) {
	factors := map[string][]string{}
	for _, f := range b.Factors {
		factors[f.Key] = append([]string{f.Clean}, f.Severities...)
	}
	type entry struct {
		Name string         `yaml:"name"`
		Task string         `yaml:"task"`
		Runs int            `yaml:"runs"`
		Vary map[string]any `yaml:"vary"`
	}
	var entries []entry
	for _, task := range slices.Concat(o.Benign, o.Attacks) {
		entries = append(entries, entry{strings.ReplaceAll(task, "/", "-"), task, o.Runs, map[string]any{"design": "one-at-a-time", "factors": factors}})
	}
	p := map[string]any{"dataset": fmt.Sprintf("card-%d", b.Version), "title": fmt.Sprintf("Battery %d of the robustness card", b.Version), "seed": o.Seed, "fail_above": 0.2, "entries": entries}
	if o.Engine != "" {
		p["engine"] = o.Engine
	}
	return yaml.Marshal(p)
}

// BuildCard makes the card's dataset, or goes on with it.
func BuildCard(ctx context.Context, dir string, r *runner.Runner, o CardOptions) error {
	if len(o.Benign) == 0 || len(o.Attacks) == 0 {
		return request("a card takes at least one benign task and one attack: --benign web/get --attack SCENARIO/TASK")
	}
	if o.Runs < leastSeeds {
		return request("--runs %d: a card takes at least %d runs of each point", o.Runs, leastSeeds)
	}
	b, err := readBattery()
	if err != nil {
		return err
	}
	text, err := b.plan(&o)
	if err != nil {
		return err
	}
	_, err = dataset.Build(ctx, dir, "battery", text, r, o.Build)
	return err
}

// MakeCard judges a model on the card's dataset.
func MakeCard(ctx context.Context, dir string, m model.Model, o CardOptions) (*Card, error) {
	b, err := readBattery()
	if err != nil {
		return nil, err
	}
	s, err := Load(dir, o.Options)
	if err != nil {
		return nil, err
	}
	if err := s.Classes(); err != nil {
		return nil, err
	}
	for _, f := range b.Factors {
		if !slices.Contains(s.Data.Columns, f.Key) {
			return nil, request(`%s is no dataset of the card: it does not vary %s; "detgen probe card" builds one`, dir, f.Key)
		}
	}
	if _, err := s.Score(ctx, m, o.Options); err != nil {
		return nil, err
	}
	return b.card(s, &o)
}

// card fills in the cells.
func (b *battery) card(s *Set, o *CardOptions) (*Card, error) {
	c := &Card{Battery: b.Version, Digest: digestOf(batteryText), Dataset: s.Data.Path, Model: s.Model}
	seen := map[string]bool{}
	for i := range s.Items {
		if item := &s.Items[i]; !seen[item.Activity] {
			seen[item.Activity] = true
			if item.Attack {
				c.Attacks = append(c.Attacks, item.Activity)
			} else {
				c.Benign = append(c.Benign, item.Activity)
			}
		}
	}
	slices.Sort(c.Benign)
	slices.Sort(c.Attacks)
	at := func(i int, f *batteryFactor) string {
		v, _ := s.Data.Value(s.Items[i].Connection, f.Key)
		return v
	}
	// off is the factor of an item that is not clean, "" for none.
	off := make([]string, len(s.Items))
	for i := range s.Items {
		for _, f := range b.Factors {
			if v := at(i, f); !sameValue(v, f.Clean) {
				if off[i] != "" {
					return nil, request("%s: connection %s has both %s and %s off their clean values: this is no dataset of the card", s.Data.Path, s.connection(i).ID, off[i], f.Key)
				}
				off[i] = f.Key
			}
		}
	}
	clean := func(i int) bool { return off[i] == "" }
	benign, attacks := s.chosen(clean)
	if len(benign) == 0 || len(attacks) == 0 {
		return nil, request("%s: the clean set has %d benign connections and %d attacks: it takes both", s.Data.Path, len(benign), len(attacks))
	}
	_, c.Threshold = s.threshold(stats.NewROC(benign, attacks), &o.Options)
	c.Clean = s.cell("clean", clean, c.Threshold, o)
	lead := c.Clean.Area.AUC - 0.5
	for _, f := range b.Factors {
		row := CardFactor{Name: f.Name, Key: f.Key}
		n := 0.
		for _, level := range f.Severities {
			keep := func(i int) bool { return off[i] == f.Key && sameValue(at(i, f), level) }
			if b, a := s.chosen(keep); len(b) == 0 || len(a) == 0 {
				return nil, request("%s: %s=%s has %d benign connections and %d attacks: it takes both", s.Data.Path, f.Key, level, len(b), len(a))
			}
			cell := s.cell(level, keep, c.Threshold, o)
			if lead > 0 {
				cell.Loss = (c.Clean.Area.AUC - cell.Area.AUC) / lead
				cell.LossIn = stats.Interval{Low: (c.Clean.Area.AUC - cell.OverRuns.High) / lead, High: (c.Clean.Area.AUC - cell.OverRuns.Low) / lead}
			}
			row.Loss, n = row.Loss+cell.Loss, n+1
			row.Cell = append(row.Cell, cell)
		}
		row.Loss /= n
		c.Mean += row.Loss / float64(len(b.Factors))
		c.Factors = append(c.Factors, row)
	}
	if lead <= 0 {
		return nil, request("the model does no better than chance on the clean set (AUC %.3f): there is nothing that it could lose", c.Clean.Area.AUC)
	}
	return c, nil
}

// sameValue compares values, however they are written: 1500us is 1.5ms.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, ok1 := quantity(a)
	y, ok2 := quantity(b)
	return ok1 && ok2 && math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y))
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
				cell.Detection.Share, cell.FalsePositive.Share, cell.Area.Benign, cell.Area.Attacks})
		}
	}
	f.csv("cells.csv", []string{"factor", "key", "severity", "level", "auc", "auc_low", "auc_high", "loss", "loss_low", "loss_high", "detection", "false_positives", "benign", "attacks"}, rows)
	f.figure("card.svg", func() (*plot.Figure, error) { return DrawCards(c) })
	return f.close()
}

// ReadCard reads the card.json of a folder.
func ReadCard(dir string) (*Card, error) {
	text, err := os.ReadFile(filepath.Join(dir, "card.json"))
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
	e := plot.Effects{Title: fmt.Sprintf("Robustness card, battery %d: what is lost of the lead over chance", cards[0].Battery), Label: "loss, mean over severities (lines: from the mildest to the worst loss)"}
	for _, c := range cards {
		if c.Battery != cards[0].Battery || len(c.Factors) != len(cards[0].Factors) {
			return nil, request("cards of batteries %d and %d cannot be compared", cards[0].Battery, c.Battery)
		}
		e.Series = append(e.Series, fmt.Sprintf("%s (clean AUC %.3f, mean loss %.3f)", c.Model.Name, c.Clean.Area.AUC, c.Mean))
	}
	for i, f := range cards[0].Factors {
		row := plot.Effect{Name: f.Name, Strong: true}
		for _, c := range cards {
			v := plot.EffectValue{Value: c.Factors[i].Loss, Low: math.Inf(1), High: math.Inf(-1)}
			for _, cell := range c.Factors[i].Cell {
				v.Low, v.High = min(v.Low, cell.Loss), max(v.High, cell.Loss)
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
	fmt.Fprintf(&b, "robustness card of %s, battery %d\n  benign: %s; attacks: %s\n", c.Model.Name, c.Battery, strings.Join(c.Benign, ", "), strings.Join(c.Attacks, ", "))
	fmt.Fprintf(&b, "  clean: AUC %.4f (%.4f to %.4f over runs), detection %.2f %%, false positives %.2f %% at %.4g\n\n", c.Clean.Area.AUC, c.Clean.OverRuns.Low, c.Clean.OverRuns.High,
		100*c.Clean.Detection.Share, 100*c.Clean.FalsePositive.Share, c.Threshold)
	fmt.Fprintf(&b, "  %-16s %7s   loss at severity 1 to %d\n", "factor", "loss", severities)
	for _, f := range c.Factors {
		fmt.Fprintf(&b, "  %-16s %+7.3f  ", f.Name, f.Loss)
		for _, cell := range f.Cell {
			fmt.Fprintf(&b, " %+7.3f", cell.Loss)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  %-16s %+7.3f\n", "mean", c.Mean)
	if dir != "" {
		fmt.Fprintf(&b, "\n  %s has all of it, with a figure\n", filepath.Join(dir, "card.json"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func digestOf(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }
