package probe

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"detgen/model"
	"detgen/model/items"
	"detgen/model/train"
	"detgen/plot"
	"detgen/runner"
	"detgen/seed"
)

// MirrorReport is the paper's Fig. 8 again: how a model of sessions that learned real traffic takes what is made here.
type MirrorReport struct {
	Real     string            `json:"real"`  // the table that it learned from
	Probed   string            `json:"probe"` // the dataset that it is asked about
	Model    model.Description `json:"model"`
	Sessions int               `json:"sessions"` // real ones that it learned
	Length   float64           `json:"length"`   // their mean, connections
	Groups   []MirrorGroup     `json:"groups"`   // the real ones that it did not see first
	Known    float64           `json:"known"`    // share of the probed connections whose state the real benign ones have
}

// MirrorGroup is sessions of one kind.
type MirrorGroup struct {
	Name     string  `json:"name"`
	Attack   bool    `json:"attack"`
	Sessions int     `json:"sessions"`
	Length   float64 `json:"length"` // mean, connections
	Median   float64 `json:"median"` // of the surprise
	Low      float64 `json:"low"`    // quartiles
	High     float64 `json:"high"`
	// Distance is the largest difference between the shares of sessions below a surprise, here and of the real ones that
	// the model did not see (Kolmogorov and Smirnov): 0 alike, 1 apart.
	Distance float64 `json:"distance"`

	scores []float64
}

// leastSessions is how few sessions a model may learn from.
const leastSessions = 50

// heldSessions is the share of the real benign sessions that the model does not see.
const heldSessions = 0.2

// Mirror trains CBAM on the benign sessions of a table of real flows, and asks it about those that it did not see, about
// the table's attacks, and about the sessions of a dataset.
func Mirror(ctx context.Context, real, probed string, o Options, epochs int, report func(string)) (*MirrorReport, error) {
	r := &MirrorReport{Real: real, Probed: probed}
	want := model.Description{Name: "cbam", Kind: model.Sessions}
	var sets [2]struct {
		data *items.Dataset
		made *items.Made
	}
	for i, path := range []string{real, probed} {
		d, err := items.Open(path)
		if err != nil {
			return nil, runner.RequestError{Err: err}
		}
		made, err := d.Make(ctx, want, nil)
		if err != nil {
			return nil, runner.RequestError{Err: err}
		}
		sets[i].data, sets[i].made = d, made
	}
	var benign []int
	learned := sets[0]
	for i := range learned.made.Items {
		if !learned.made.Attack(learned.data, i) {
			benign = append(benign, i)
		}
	}
	held := int(heldSessions * float64(len(benign)))
	if len(benign)-held < leastSessions {
		return nil, request("%s has %d benign sessions: a model takes at least %d", real, len(benign), int(math.Ceil(leastSessions/(1-heldSessions))))
	}
	random := seed.Stream(o.Seed, "probe/mirror")
	random.Shuffle(len(benign), func(i, j int) { benign[i], benign[j] = benign[j], benign[i] })
	var sessions [][][]float32
	for _, i := range benign[held:] {
		sessions = append(sessions, learned.made.Items[i].Steps)
		r.Length += float64(len(learned.made.Items[i].Steps))
	}
	r.Sessions = len(sessions)
	r.Length /= float64(r.Sessions)
	saved, err := train.Sessions(ctx, sessions, train.Options{Seed: o.Seed, Epochs: epochs, Report: report})
	if err != nil {
		return nil, err
	}
	m, err := saved.Model()
	if err != nil {
		return nil, err
	}
	r.Model = m.Describe()
	groups := map[string]*MirrorGroup{}
	var names []string
	add := func(name string, attack bool, item *model.Item) error {
		scores, err := m.Score(ctx, []model.Item{*item})
		if err != nil {
			return err
		}
		g := groups[name]
		if g == nil {
			g = &MirrorGroup{Name: name, Attack: attack}
			groups[name], names = g, append(names, name)
		}
		g.scores, g.Length = append(g.scores, scores[0].Score), g.Length+float64(len(item.Steps))
		return nil
	}
	for _, i := range benign[:held] {
		if err := add("real, not seen", false, &learned.made.Items[i]); err != nil {
			return nil, err
		}
	}
	known := map[[3]float32]bool{}
	for _, s := range sessions {
		for _, c := range s {
			known[[3]float32(c[:3])] = true
		}
	}
	there, all := 0, 0
	for k, set := range sets {
		for i := range set.made.Items {
			item := &set.made.Items[i]
			attack := set.made.Attack(set.data, i)
			name := "real: attacks"
			if k == 1 {
				c := set.made.Members[i][0]
				scenario, _ := set.data.Value(c, "scenario")
				task, _ := set.data.Value(c, "task")
				name = "made: " + cmp.Or(strings.Trim(scenario+"/"+task, "/"), set.data.Connections[c].Label)
				for _, step := range item.Steps {
					all++
					if known[[3]float32(step[:3])] {
						there++
					}
				}
			} else if !attack {
				continue
			}
			if err := add(name, attack, item); err != nil {
				return nil, err
			}
		}
	}
	r.Known = float64(there) / float64(all)
	reference := groups[names[0]].scores
	for _, name := range names {
		g := groups[name]
		g.Sessions = len(g.scores)
		g.Length /= float64(g.Sessions)
		slices.Sort(g.scores)
		at := func(q float64) float64 { return g.scores[int(q*float64(len(g.scores)-1))] }
		g.Low, g.Median, g.High = at(0.25), at(0.5), at(0.75)
		g.Distance = apart(g.scores, reference)
		r.Groups = append(r.Groups, *g)
	}
	return r, nil
}

// apart is the largest difference between two empirical distributions.
func apart(a, b []float64) (most float64) {
	for _, x := range slices.Concat(a, b) {
		share := func(list []float64) float64 {
			n := 0
			for _, y := range list {
				if y <= x {
					n++
				}
			}
			return float64(n) / float64(len(list))
		}
		most = max(most, math.Abs(share(a)-share(b)))
	}
	return most
}

// Write writes mirror.json, the scores and the figure.
func (r *MirrorReport) Write(dir string) error {
	f, err := newFolder(dir)
	if err != nil {
		return err
	}
	f.json("mirror.json", r)
	var rows [][]any
	for _, g := range r.Groups {
		for _, x := range g.scores {
			rows = append(rows, []any{g.Name, g.Attack, x})
		}
	}
	f.csv("scores.csv", []string{"group", "attack", "surprise"}, rows)
	f.figure("fig8.svg", r.draw)
	return f.close()
}

// draw draws the distributions of the surprise, of at most seven groups: those with most sessions.
func (r *MirrorReport) draw() (*plot.Figure, error) {
	l := plot.Lines{Title: "Sessions by CBAM, trained on real ones", XLabel: "surprise (1 less the mean probability of what comes)", YLabel: "share of sessions"}
	list := slices.Clone(r.Groups)
	slices.SortStableFunc(list[1:], func(a, b MirrorGroup) int { return cmp.Compare(b.Sessions, a.Sessions) })
	for _, g := range list[:min(len(list), 7)] {
		l.Series = append(l.Series, plot.Distribution(g.Name, g.scores))
	}
	return l.Draw()
}

// WriteText prints the groups.
func (r *MirrorReport) WriteText(out io.Writer, dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CBAM, trained on %d benign sessions of %s (%.1f connections each), asked about %s\n", r.Sessions, r.Real, r.Length, r.Probed)
	fmt.Fprintf(&b, "  %.0f %% of the probed connections are of a protocol, port and direction that the model learned\n\n", 100*r.Known)
	fmt.Fprintf(&b, "  %-40s %8s %7s %9s %19s %9s\n", "sessions", "number", "length", "surprise", "quartiles", "distance")
	for _, g := range r.Groups {
		fmt.Fprintf(&b, "  %-40.40s %8d %7.1f %9.3f %9.3f %9.3f %9.3f\n", g.Name, g.Sessions, g.Length, g.Median, g.Low, g.High, g.Distance)
	}
	if r.Length < 2 {
		b.WriteString("  the real sessions are hardly sessions: a table of flows that were drawn at random lacks what came before and after\n")
	}
	if dir != "" {
		fmt.Fprintf(&b, "\n  %s has all of it, with a figure\n", filepath.Join(dir, "mirror.json"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
