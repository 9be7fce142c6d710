// Package model gives scores to connections, whatever computes them: a file of scores, any command, an ONNX file, or a
// network of this program (design: "Models"). All of them are behind one interface: items in, a score each, and a score
// a step where the model has one. What an item is made of, its model says (Description); package items makes it.
//
// Scores are turned so that higher always means more like an attack.
package model

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Kind is what a model looks at.
type Kind string

// The kinds of items.
const (
	Flows    Kind = "flow"    // a row of measured quantities for each connection: Item.Row
	Packets  Kind = "packets" // a row for each packet of a connection: Item.Steps
	Sessions Kind = "session" // a row for each of a host's connections that follow each other: Item.Steps
	Captures Kind = "capture" // the capture that a connection is in: Item.Capture
	Any      Kind = "any"     // only what the item is called: a file of scores
)

// Kinds lists the kinds that a manifest or a command may name.
func Kinds() []Kind { return []Kind{Flows, Packets, Sessions, Captures} }

// Views lists whose captures there are.
func Views() []string { return []string{"client", "server", "tap"} }

// Item is one thing to score: a connection. Which of Row, Steps and Capture is set, the model's kind says.
type Item struct {
	ID      string      // unique in a dataset: RUN/CONNECTION
	Row     []float64   // Flows: in the order of Description.Columns; may be NaN or infinite where a mode's rates are
	Steps   [][]float32 // Packets, Sessions: a row for each step, in the order of Description.Columns
	Capture string      // Captures: path of the file
	Frames  []uint64    // Captures: numbers of the connection's frames in the file, from 1, with ICMP errors about it
	Ends    Ends        // who speaks to whom, for models that join what they find themselves
}

// Ends identifies a connection in a capture.
type Ends struct {
	Client, Server         string // addresses
	ClientPort, ServerPort uint16
	Protocol               uint8
	Start                  int64 // ns since the Unix epoch
}

// Score is what a model says of an item. Higher is more like an attack.
type Score struct {
	ID    string
	Score float64
	Steps []float64 // one for each step of the item that the model looked at, from the first; nil: the model has none
}

// Description is what a model is and wants.
type Description struct {
	Name string `json:"name"`
	Hash string `json:"hash,omitempty"` // SHA-256 of what decides its scores; "" for a command, whose inside is not known
	Kind Kind   `json:"kind"`

	// Columns are what an item's rows hold, in order. For flows they are names of CICFlowMeter's columns in the
	// spelling of any version; for packets and sessions they are those of the recipe.
	Columns []string `json:"columns,omitempty"`
	Mode    string   `json:"mode,omitempty"`   // flows: the mode of package flow that measures; "" is default
	Recipe  string   `json:"recipe,omitempty"` // packets and sessions: how steps are made; "" is the first of items.Recipes
	View    string   `json:"view,omitempty"`   // packets and captures: whose capture: "client", "server" or "tap" (a switch's; without one, the server's); "" is server

	MaxSteps    int      `json:"max_steps,omitempty"`   // further steps are not looked at; 0: all are
	StepScores  bool     `json:"step_scores"`           // Score.Steps is filled
	Lower       bool     `json:"lower,omitempty"`       // the model's own output is lower for attacks; scores were turned
	Probability bool     `json:"probability,omitempty"` // scores are probabilities of an attack
	Threshold   *float64 `json:"threshold,omitempty"`   // above which an item is called an attack; nil: the model names none
	Batch       int      `json:"batch,omitempty"`       // how many items it likes at once; 0: any number
	Trained     string   `json:"trained,omitempty"`     // what it was trained on, in its author's words
}

// Model gives scores. One goroutine uses it at a time; the caller closes it.
type Model interface {
	Describe() Description

	// Score gives a score for each item, in the order of the items. When it fails, the scores that are good so far
	// come with the error.
	Score(ctx context.Context, items []Item) ([]Score, error)

	Close() error
}

// ItemError is what went wrong with one item.
type ItemError struct {
	ID  string
	Err error
}

func (e *ItemError) Error() string { return fmt.Sprintf("item %s: %v", e.ID, e.Err) }
func (e *ItemError) Unwrap() error { return e.Err }

// Check finds what no model should say: a score that is no number, another number of scores, other items.
func Check(d Description, items []Item, scores []Score) error {
	for i, s := range scores {
		if i >= len(items) || s.ID != items[i].ID {
			return fmt.Errorf("model %s: score %d is of item %q, which was not asked for there", d.Name, i+1, s.ID)
		}
		if bad := s.bad(); bad != "" {
			return &ItemError{s.ID, fmt.Errorf("the model's %s: want a finite number", bad)}
		}
		if n := d.steps(&items[i]); d.Kind != Any && s.Steps != nil && n > 0 && len(s.Steps) != n {
			return &ItemError{s.ID, fmt.Errorf("the model gave %d step scores for %d steps", len(s.Steps), n)}
		}
	}
	if len(scores) < len(items) {
		return &ItemError{items[len(scores)].ID, fmt.Errorf("the model gave no score (%d of %d items have one)", len(scores), len(items))}
	}
	return nil
}

// bad names what is no number in a score, "" when all are.
func (s *Score) bad() string {
	if math.IsNaN(s.Score) || math.IsInf(s.Score, 0) {
		return fmt.Sprintf("score is %v", s.Score)
	}
	if i := slices.IndexFunc(s.Steps, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }); i >= 0 {
		return fmt.Sprintf("score of step %d is %v", i+1, s.Steps[i])
	}
	return ""
}

// steps is how many steps of an item the model looks at, 0 for kinds without steps.
func (d *Description) steps(item *Item) int {
	if d.MaxSteps > 0 {
		return min(len(item.Steps), d.MaxSteps)
	}
	return len(item.Steps)
}

// Steps gives a score for each prefix of the items' steps: from the model where it has them, else by scoring all
// prefixes of each item as items of their own. Items of kinds without steps have none.
func Steps(ctx context.Context, m Model, items []Item) ([]Score, error) {
	d := m.Describe()
	if d.StepScores || d.Kind != Packets && d.Kind != Sessions {
		return m.Score(ctx, items)
	}
	out := make([]Score, 0, len(items))
	for i := range items {
		n := d.steps(&items[i])
		if n == 0 {
			s, err := m.Score(ctx, items[i:i+1])
			out = append(out, s...)
			if err != nil {
				return out, err
			}
			continue
		}
		prefixes := make([]Item, n)
		for k := range prefixes {
			prefixes[k] = items[i]
			prefixes[k].ID = fmt.Sprintf("%s#%d", items[i].ID, k+1)
			prefixes[k].Steps = items[i].Steps[:k+1]
		}
		scores, err := m.Score(ctx, prefixes)
		if err != nil {
			return out, err
		}
		s := Score{ID: items[i].ID, Score: scores[n-1].Score, Steps: make([]float64, n)}
		for k := range scores {
			s.Steps[k] = scores[k].Score
		}
		out = append(out, s)
	}
	return out, nil
}

// turn makes higher mean more like an attack.
func (d *Description) turn(x float64) float64 {
	switch {
	case !d.Lower:
		return x
	case d.Probability:
		return 1 - x
	}
	return -x
}

// turnThreshold turns a threshold that the model gave in its own direction.
func (d *Description) turnThreshold() {
	if d.Threshold != nil {
		x := d.turn(*d.Threshold)
		d.Threshold = &x
	}
}

// validate finds what makes no sense in a description that others wrote.
func (d *Description) validate() error {
	if !slices.Contains(Kinds(), d.Kind) {
		names := make([]string, len(Kinds()))
		for i, k := range Kinds() {
			names[i] = string(k)
		}
		return fmt.Errorf("kind: %q is none of %s", d.Kind, strings.Join(names, ", "))
	}
	if d.Kind == Flows && len(d.Columns) == 0 {
		return fmt.Errorf("columns: a model of flow rows has to name its columns, in order")
	}
	seen := map[string]bool{}
	for _, c := range d.Columns {
		if seen[c] {
			return fmt.Errorf("columns: %q is there twice (of a name that a table has twice, the second is %q, as pandas has it)", c, c+".1")
		}
		seen[c] = true
	}
	if d.View != "" && !slices.Contains(Views(), d.View) {
		return fmt.Errorf("view: %q is none of %s", d.View, strings.Join(Views(), ", "))
	}
	if d.MaxSteps < 0 || d.Batch < 0 {
		return fmt.Errorf("max_steps and batch are 0 or more")
	}
	if d.Threshold != nil && (math.IsNaN(*d.Threshold) || math.IsInf(*d.Threshold, 0)) {
		return fmt.Errorf("threshold: %v is not a number", *d.Threshold)
	}
	return nil
}
