// Package train trains the models of this program on datasets: a random forest on flow rows, an LSTM on packet sequences
// (Section 2 of the paper), KitNET on flow rows or packets, CBAM on sessions. The same dataset, options and seed give the same file.
package train

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"detgen/flow"
	"detgen/internal/plain"
	"detgen/model"
	"detgen/model/cbam"
	"detgen/model/forest"
	"detgen/model/items"
	"detgen/model/kitnet"
	"detgen/model/lstm"
	"detgen/seed"
)

// Options of training. The zero value of each field has the default that its comment names.
type Options struct {
	Seed     uint64
	Split    string       // of the dataset that is trained on; "" is all
	Epochs   int          // LSTM: 20; KitNET: 1; CBAM: 30
	Cells    int          // LSTM: 64; CBAM: 25 in each layer
	MaxSteps int          // LSTM, KitNET on packets: 200
	Recipe   string       // LSTM: tokens1; KitNET: of packets, "" is flow rows
	View     string       // LSTM, KitNET on packets: server
	Mode     string       // forest, KitNET: of package flow; default
	Trees    int          // forest: 100
	Report   func(string) // what goes on; may be nil

	// Changes, each with its name, are made of the sequences that are trained on (LSTM): a correction, or sequences with
	// retransmissions put in beside those that are as they are.
	Correct, Augment *Change
}

// Change is a named change of what a model sees of a connection.
type Change struct {
	Name string
	Make func(*items.Trace) *items.Trace
}

// Kinds are the models that can be trained.
func Kinds() []string { return []string{"forest", "lstm", "kitnet", "cbam"} }

// Result is a trained model and how it does on what was held out.
type Result struct {
	Saved     *model.Saved `json:"-"`
	Name      string       `json:"model"`
	Items     int          `json:"items"` // trained on
	Attacks   int          `json:"attacks"`
	Held      int          `json:"held_out"` // items that only the threshold was chosen by
	Threshold float64      `json:"threshold"`
	Detected  float64      `json:"detected"`     // share of the held out attacks that are above
	False     float64      `json:"false_alarms"` // share of the held out benign items that are above
}

// WriteText prints a result.
func (r *Result) WriteText(to io.Writer) error {
	_, err := fmt.Fprintf(plain.Writer(to), "%s: trained on %d items, %d of them attacks\nthreshold %.4g: of %d items held out, %.1f %% of the attacks and %.2f %% of the benign ones are above\n",
		r.Name, r.Items, r.Attacks, r.Threshold, r.Held, 100*r.Detected, 100*r.False)
	return err
}

// heldShare is the share of runs that training does not see.
const heldShare = 0.1

// Run trains a model of a kind on a dataset.
func Run(ctx context.Context, kind string, d *items.Dataset, o Options) (*Result, error) {
	about, err := describe(kind, &o)
	if err != nil {
		return nil, err
	}
	about.Trained = strings.TrimSpace(fmt.Sprintf("%s %s", d.Path, o.Split))
	var which []int
	for i := range d.Connections {
		if o.Split == "" || d.Connections[i].Split == o.Split {
			which = append(which, i)
		}
	}
	if len(which) == 0 {
		return nil, fmt.Errorf("%s has no connection in split %q", d.Path, o.Split)
	}
	made, err := o.make(ctx, d, &about, which)
	if err != nil {
		return nil, err
	}
	set := &set{made: made, attack: make([]bool, len(made.Items))}
	for i := range made.Items {
		set.attack[i] = made.Attack(d, i)
	}
	if err := set.divide(d, o.Seed); err != nil {
		return nil, err
	}
	saved := &model.Saved{Format: 1, Description: about, Seed: o.Seed}
	random := seed.Stream(o.Seed, "model/train/"+kind)
	switch kind {
	case "forest":
		set.forest(saved, o, random)
	case "kitnet":
		err = set.kitnet(ctx, saved, o, random)
	case "cbam":
		err = set.cbam(ctx, saved, o, random)
	default:
		err = set.lstm(ctx, saved, o, random)
	}
	if err != nil {
		return nil, err
	}
	r := &Result{Saved: saved, Name: about.Name, Items: len(set.train), Held: len(set.held)}
	for _, i := range set.train {
		if set.attack[i] {
			r.Attacks++
		}
	}
	return r, set.threshold(ctx, r)
}

// make makes the items, and tells of the changes in what the model was trained on. Items that are put in beside others
// are those of the same connections, so both are held out or neither.
func (o *Options) make(ctx context.Context, d *items.Dataset, about *model.Description, which []int) (*items.Made, error) {
	var correct func(*items.Trace) *items.Trace
	if o.Correct != nil {
		correct = o.Correct.Make
		about.Trained += ", corrected by " + o.Correct.Name
	}
	made, err := d.MakeChanged(ctx, *about, which, correct)
	if err != nil || o.Augment == nil {
		return made, err
	}
	about.Trained += ", and " + o.Augment.Name
	more, err := d.MakeChanged(ctx, *about, which, o.Augment.Make)
	if err != nil {
		return nil, err
	}
	made.Items, made.Members = append(made.Items, more.Items...), append(made.Members, more.Members...)
	return made, nil
}

// describe says what a kind wants.
func describe(kind string, o *Options) (model.Description, error) {
	about := model.Description{Name: kind, Probability: true}
	switch kind {
	case "forest":
		return rows(about, o), nil
	case "cbam":
		recipe, err := items.RecipeOf(model.Sessions, o.Recipe)
		if err != nil {
			return about, err
		}
		about.Kind, about.Recipe, about.Columns, about.StepScores, about.Probability = model.Sessions, recipe.Name, recipe.Names(), true, false
	case "kitnet":
		if about.Probability = false; o.Recipe == "" {
			return rows(about, o), nil
		}
		fallthrough
	case "lstm":
		recipe, err := items.RecipeOf(model.Packets, o.Recipe)
		if err != nil {
			return about, err
		}
		about.Kind, about.Recipe, about.View, about.Columns = model.Packets, recipe.Name, o.View, recipe.Names()
		about.StepScores, about.MaxSteps = true, cmp.Or(o.MaxSteps, 200)
	default:
		return about, fmt.Errorf("there is no model %q to train: there are %s", kind, strings.Join(Kinds(), ", "))
	}
	return about, nil
}

// rows describes a model of flow rows.
func rows(about model.Description, o *Options) model.Description {
	about.Kind, about.Mode = model.Flows, o.Mode
	about.Columns = append([]string{"Destination Port", "Protocol"}, flow.StatisticNames()...)
	return about
}

// set is the items of training, and which of them are held out.
type set struct {
	made        *items.Made
	attack      []bool
	train, held []int
}

// divide holds out a share of the runs (of the rows, in tables without runs).
func (s *set) divide(d *items.Dataset, number uint64) error {
	runs := map[string][]int{}
	var names []string
	for i := range s.made.Items {
		c := &d.Connections[s.made.Members[i][0]]
		name := cmp.Or(c.Run, c.ID)
		if runs[name] == nil {
			names = append(names, name)
		}
		runs[name] = append(runs[name], i)
	}
	seed.Stream(number, "model/train/held").Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	held := int(math.Ceil(heldShare * float64(len(names))))
	for k, name := range names {
		if k < held {
			s.held = append(s.held, runs[name]...)
		} else {
			s.train = append(s.train, runs[name]...)
		}
	}
	slices.Sort(s.train)
	slices.Sort(s.held)
	for _, part := range []struct {
		what string
		list []int
	}{{"training", s.train}, {"what is held out to choose the threshold", s.held}} {
		attacks := 0
		for _, i := range part.list {
			if s.attack[i] {
				attacks++
			}
		}
		if attacks == 0 || attacks == len(part.list) {
			return fmt.Errorf("%s has %d attacks among %d items of %d runs: both classes are needed, so give more runs or another seed", part.what, attacks, len(part.list), len(names))
		}
	}
	return nil
}

func (s *set) forest(saved *model.Saved, o Options, random *rand.Rand) {
	rows, attack := make([][]float64, len(s.train)), make([]bool, len(s.train))
	for k, i := range s.train {
		rows[k], attack[k] = s.made.Items[i].Row, s.attack[i]
	}
	saved.Forest = forest.Train(rows, attack, forest.Options{Trees: o.Trees, Report: func(tree int) {
		if o.Report != nil {
			o.Report(fmt.Sprintf("%d trees", tree))
		}
	}}, random)
}

// cbam trains on benign sessions.
func (s *set) cbam(ctx context.Context, saved *model.Saved, o Options, random *rand.Rand) (err error) {
	var benign [][][]float32
	for _, i := range s.train {
		if !s.attack[i] {
			benign = append(benign, s.made.Items[i].Steps)
		}
	}
	saved.CBAM, err = contexts(ctx, benign, o, random)
	return err
}

// contexts trains a CBAM on sessions.
func contexts(ctx context.Context, benign [][][]float32, o Options, random *rand.Rand) (*model.SavedCBAM, error) {
	shape, err := cbam.ShapeOf(benign, cmp.Or(o.Cells, 25))
	if err != nil {
		return nil, err
	}
	n := cbam.New(shape, random)
	err = n.Train(ctx, benign, cbam.Options{Epochs: o.Epochs, Report: func(epoch int, loss float64) {
		if o.Report != nil {
			o.Report(fmt.Sprintf("epoch %d: loss %.4f", epoch, loss))
		}
	}}, random)
	return &model.SavedCBAM{Shape: n.Shape, Weights: n.Weights()}, err
}

// Sessions trains a CBAM on sessions alone (rows of the recipe sessions1), without a threshold.
func Sessions(ctx context.Context, benign [][][]float32, o Options) (*model.Saved, error) {
	about, err := describe("cbam", &o)
	if err != nil {
		return nil, err
	}
	saved := &model.Saved{Format: 1, Description: about, Seed: o.Seed}
	saved.CBAM, err = contexts(ctx, benign, o, seed.Stream(o.Seed, "model/train/cbam"))
	return saved, err
}

// kitnet trains on what is benign.
func (s *set) kitnet(ctx context.Context, saved *model.Saved, o Options, random *rand.Rand) (err error) {
	var rows [][]float64
	for _, i := range s.train {
		if s.attack[i] {
			continue
		}
		item := &s.made.Items[i]
		if item.Row != nil {
			rows = append(rows, item.Row)
		}
		for _, step := range item.Steps {
			row := make([]float64, len(step))
			for k, x := range step {
				row[k] = float64(x)
			}
			rows = append(rows, row)
		}
	}
	saved.KitNET, err = kitnet.Train(ctx, rows, kitnet.Options{Epochs: o.Epochs, Report: func(epoch int) {
		if o.Report != nil {
			o.Report(fmt.Sprintf("epoch %d", epoch))
		}
	}}, random)
	return err
}

func (s *set) lstm(ctx context.Context, saved *model.Saved, o Options, random *rand.Rand) error {
	recipe, err := items.RecipeOf(model.Packets, saved.Recipe)
	if err != nil {
		return err
	}
	levels := make([]int, len(recipe.Columns))
	for i, c := range recipe.Columns {
		levels[i] = c.Levels
	}
	n := lstm.New(lstm.NewShape(levels, cmp.Or(o.Cells, 64)), random)
	examples := make([]lstm.Example, len(s.train))
	for k, i := range s.train {
		examples[k] = lstm.Example{Steps: s.made.Items[i].Steps, Attack: s.attack[i]}
	}
	err = n.Train(ctx, examples, lstm.Options{Epochs: o.Epochs, Report: func(epoch int, loss float64) {
		if o.Report != nil {
			o.Report(fmt.Sprintf("epoch %d: loss %.4f", epoch, loss))
		}
	}}, random)
	saved.LSTM = &model.SavedLSTM{Shape: n.Shape, Weights: n.Weights()}
	return err
}

// benignAbove is the share of benign sessions that may be above CBAM's threshold: the authors' quantile of 99.9 %.
const benignAbove = 0.001

// threshold chooses the threshold on what is held out, in the middle between two scores: the one that is highest in
// sqrt(detected x (1 - false alarms)), as the paper does. CBAM's is chosen by benign sessions alone, as it is trained, and
// as its authors do (for each host; here for all, since it is asked about hosts that it has not seen).
func (s *set) threshold(ctx context.Context, r *Result) error {
	m, err := r.Saved.Model()
	if err != nil {
		return err
	}
	held := make([]model.Item, len(s.held))
	for k, i := range s.held {
		held[k] = s.made.Items[i]
	}
	scores, err := m.Score(ctx, held)
	if err != nil {
		return err
	}
	order := make([]int, len(scores))
	attacks := 0
	for k := range order {
		order[k] = k
		if s.attack[s.held[k]] {
			attacks++
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b].Score, scores[a].Score) })
	best, hits, wrong := -1.0, 0, 0
	goal := func(_ int, detected, alarms float64) float64 { return math.Sqrt(detected * (1 - alarms)) }
	if r.Saved.CBAM != nil {
		goal = func(k int, _, alarms float64) float64 { // the lowest that is allowed
			if alarms > benignAbove {
				return best
			}
			return float64(k)
		}
		r.Threshold = math.Nextafter(scores[order[0]].Score, math.Inf(1)) // nothing is above: the highest is benign
	}
	for k, i := range order {
		if s.attack[s.held[i]] {
			hits++
		} else {
			wrong++
		}
		here, next := scores[i].Score, 0.0
		if k+1 < len(order) {
			next = scores[order[k+1]].Score
		}
		if k+1 < len(order) && here == next {
			continue
		}
		detected, alarms := float64(hits)/float64(attacks), float64(wrong)/float64(len(held)-attacks)
		if g := goal(k, detected, alarms); g > best {
			best, r.Threshold, r.Detected, r.False = g, (here+next)/2, detected, alarms
		}
	}
	r.Saved.Threshold = &r.Threshold
	return nil
}
