package probe

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"detgen/internal/beneath"
	"detgen/model"
	"detgen/model/items"
	"detgen/packet"
	"detgen/plot"
	"detgen/probe/correct"
	"detgen/record"
	"detgen/runner"
	"detgen/twin"
)

// TwinReport is what a model says step by step over two runs that differ in one factor (step 4 of the paper, Fig. 3).
type TwinReport struct {
	Dir      string            `json:"dir"`
	Model    model.Description `json:"model"`
	Differ   []string          `json:"differ"` // values that differ: "KEY: A, B"
	A        TwinSide          `json:"a"`
	B        TwinSide          `json:"b"`
	Outputs  Outputs           `json:"outputs"`
	Noise    *Noise            `json:"noise"` // nil without placebo pairs
	Episodes []EpisodeEffect   `json:"episodes"`
}

// TwinSide is one of the two connections.
type TwinSide struct {
	ID     string    `json:"id"`
	Score  float64   `json:"score"`
	Steps  []StepRow `json:"-"` // in steps.csv
	Count  int       `json:"steps"`
	Again  int       `json:"sent_again"`
	trace  *items.Trace
	phases []plot.StepSpan
}

// StepRow is one step: the packet and what the model said after it.
type StepRow struct {
	Step       int     // from 1
	Time       float64 // seconds since the first packet
	FromClient bool
	Payload    int
	Offset     int64 // bytes of the application that its direction had sent with it, each counted once
	Again      bool  // sent again: matched with nothing
	Phase      string
	Output     float64
	Match      int // step of the other side, from 1, at the same bytes; 0: none
}

// Outputs compares the outputs at steps that carry the same bytes of the application.
type Outputs struct {
	Matched    int     `json:"matched"`
	Tolerance  float64 `json:"tolerance"`   // a difference above it counts: the noise, at least a hundredth of the outputs' range
	First      int     `json:"first"`       // step of b where the outputs part, from 1; 0: they do not
	FirstPhase string  `json:"first_phase"` // of the activity
	InEpisode  bool    `json:"in_episode"`  // that step is in an episode of retransmissions, or follows one
	Area       float64 `json:"area"`        // mean |difference| over matched steps
	Largest    float64 `json:"largest"`
	Last       float64 `json:"last"` // difference at the last matched step, b less a
	Recovered  bool    `json:"recovered"`
	Flipped    *bool   `json:"flipped"` // only one of the two ends above the threshold; nil without a threshold
}

// Noise is how far apart the outputs of two runs of the same configuration are.
type Noise struct {
	Pairs   int     `json:"pairs"`
	Area    float64 `json:"area"`    // largest of the pairs
	Largest float64 `json:"largest"` // difference of any step of any pair
	Ratio   float64 `json:"ratio"`   // area of the twins over that of the noise; 0 when there is no noise at all
}

// EpisodeEffect is an episode of retransmissions, and what the model says of the connection without it.
type EpisodeEffect struct {
	From     int     `json:"from"` // steps of b, from 1
	To       int     `json:"to"`   // the last one
	Repeated int     `json:"sent_again"`
	Phase    string  `json:"phase"`
	Before   float64 `json:"before"`   // output before it
	After    float64 `json:"after"`    // and after it
	Without  float64 `json:"without"`  // score of the connection without its packets
	Restored float64 `json:"restored"` // of the difference between the scores, the share that is gone then; 0 when they do not differ by more than the tolerance
}

// TwinOptions choose what is compared.
type TwinOptions struct {
	Connection int      // number of the connection in its run, from 1; 0: the main activity's TCP connection with most packets
	Placebo    []string // folders of twins that do not differ
	Threshold  *float64 // nil: the model's
	Change     func(*items.Trace) *items.Trace
}

// Twin scores both runs of a folder that "detgen twin" made, step by step.
func Twin(ctx context.Context, dir string, m model.Model, o TwinOptions) (*TwinReport, error) {
	d := m.Describe()
	if d.Kind != model.Packets {
		return nil, request("model %s looks at items of kind %s: only a model of kind %s has a score for each step of a connection", d.Name, d.Kind, model.Packets)
	}
	r := &TwinReport{Dir: dir, Model: d}
	if o.Threshold == nil {
		o.Threshold = d.Threshold
	}
	if err := r.load(ctx, m, dir, &o); err != nil {
		return nil, err
	}
	for _, placebo := range o.Placebo {
		p := &TwinReport{Model: d}
		if err := p.load(ctx, m, placebo, &o); err != nil {
			return nil, fmt.Errorf("placebo %s: %w", placebo, err)
		}
		if len(p.Differ) > 0 {
			return nil, request("placebo %s: its runs differ in %s; a placebo's do not differ in anything", placebo, strings.Join(p.Differ, "; "))
		}
		p.compare(0, nil)
		if r.Noise == nil {
			r.Noise = &Noise{}
		}
		r.Noise.Pairs++
		r.Noise.Area, r.Noise.Largest = max(r.Noise.Area, p.Outputs.Area), max(r.Noise.Largest, p.Outputs.Largest)
	}
	noise := 0.
	if r.Noise != nil {
		noise = r.Noise.Largest
	}
	episodes := correct.Episodes(r.B.trace)
	r.compare(noise, episodes)
	if r.Noise != nil && r.Noise.Area > 0 {
		r.Noise.Ratio = r.Outputs.Area / r.Noise.Area
	}
	if o.Threshold != nil {
		flipped := (r.A.Score >= *o.Threshold) != (r.B.Score >= *o.Threshold)
		r.Outputs.Flipped = &flipped
		r.Model.Threshold = o.Threshold
	}
	return r, r.withoutEach(ctx, m, episodes)
}

// load reads and scores both sides.
func (r *TwinReport) load(ctx context.Context, m model.Model, dir string, o *TwinOptions) error {
	var records [2]*record.Record
	for i, side := range []*TwinSide{&r.A, &r.B} {
		path, err := beneath.Folder(dir, []string{record.TwinA, record.TwinB}[i])
		if err != nil {
			return runner.RequestError{Err: err}
		}
		rec, err := record.Read(path)
		if err != nil {
			return request("%s is no folder of twins: %v", dir, err)
		}
		records[i] = rec
		if err := side.load(ctx, path, m, o); err != nil {
			return err
		}
	}
	values := map[string]string{}
	for _, v := range records[0].Run.Values {
		values[v.Name] = v.Value
	}
	for _, v := range records[1].Run.Values {
		if a, ok := values[v.Name]; !ok || a != v.Value {
			r.Differ = append(r.Differ, fmt.Sprintf("%s: %s, %s", v.Name, twin.OrNotSet(a), v.Value))
		}
		delete(values, v.Name)
	}
	for _, v := range records[0].Run.Values {
		if _, left := values[v.Name]; left {
			r.Differ = append(r.Differ, fmt.Sprintf("%s: %s, not set", v.Name, v.Value))
		}
	}
	return nil
}

func (s *TwinSide) load(ctx context.Context, path string, m model.Model, o *TwinOptions) error {
	data, err := items.Open(path)
	if err != nil {
		return runner.RequestError{Err: err}
	}
	d := m.Describe()
	recipe, err := items.RecipeOf(d.Kind, d.Recipe)
	if err != nil {
		return err
	}
	var which []int
	for i := range data.Connections {
		activity, _ := data.Value(i, "activity")
		number, _ := data.Value(i, "id")
		if data.Connections[i].Ends.Protocol == packet.ProtocolTCP && (o.Connection == 0 && activity == "main" || fmt.Sprint(o.Connection) == number) {
			which = append(which, i)
		}
	}
	err = data.Traces(ctx, which, items.TraceOptions{View: d.View, Header: recipe.Header}, func(c int, t *items.Trace) error {
		if s.trace == nil || len(t.Packets) > len(s.trace.Packets) {
			s.trace, s.ID = t, data.Connections[c].ID
		}
		return nil
	})
	if err != nil {
		return runner.RequestError{Err: err}
	}
	if s.trace == nil || len(s.trace.Packets) == 0 {
		return request("%s has no TCP connection of the main activity (or none with that number)", path)
	}
	if o.Change != nil {
		s.trace = o.Change(s.trace)
	}
	if d.MaxSteps > 0 && len(s.trace.Packets) > d.MaxSteps {
		s.trace.Packets = s.trace.Packets[:d.MaxSteps]
	}
	scores, err := scoreTraces(ctx, m, recipe, true, s.trace)
	if err != nil {
		return err
	}
	s.rows(scores[0])
	return nil
}

// scoreTraces asks the model for the scores of traces, of each step when steps is set.
func scoreTraces(ctx context.Context, m model.Model, recipe *items.Recipe, steps bool, traces ...*items.Trace) ([]model.Score, error) {
	list := make([]model.Item, len(traces))
	for i, t := range traces {
		list[i] = model.Item{ID: t.ID, Steps: recipe.Encode(t), Capture: t.Capture}
		if i > 0 {
			list[i].ID = fmt.Sprintf("%s without %d", t.ID, i)
		}
	}
	ask := m.Score
	if steps {
		ask = func(ctx context.Context, list []model.Item) ([]model.Score, error) { return model.Steps(ctx, m, list) }
	}
	scores, err := ask(ctx, list)
	if err == nil {
		err = model.Check(m.Describe(), list, scores)
	}
	if err == nil && steps && len(scores[0].Steps) == 0 {
		err = fmt.Errorf("model %s gives no score for a step", m.Describe().Name)
	}
	return scores, err
}

// rows makes the side's steps.
func (s *TwinSide) rows(score model.Score) {
	s.Score, s.Count = score.Score, len(score.Steps)
	var offset [2]int64
	for i, output := range score.Steps {
		p := &s.trace.Packets[i]
		row := StepRow{Step: i + 1, Time: float64(p.Time-s.trace.Packets[0].Time) / 1e9, FromClient: p.FromClient, Payload: p.Payload, Phase: p.Phase, Output: output}
		k := 0
		if p.FromClient {
			k = 1
		}
		row.Again = p.Seen == packet.SeenAll && p.Payload > 0
		if row.Again {
			s.Again++
		} else {
			offset[k] += int64(p.Payload)
		}
		row.Offset = offset[k]
		s.Steps = append(s.Steps, row)
		if n := len(s.phases); n > 0 && s.phases[n-1].Name == p.Phase {
			s.phases[n-1].To = i + 1
		} else {
			s.phases = append(s.phases, plot.StepSpan{Name: p.Phase, From: i, To: i + 1})
		}
	}
}

// match finds, for each step that carries new bytes, the step of the other side at which its direction had sent as many.
// Steps without payload match the one of the same number after the same bytes of both directions.
func match(of, other []StepRow) {
	type place struct {
		fromClient bool
		up, down   int64
		bare       int
	}
	at := map[place]int{}
	fill := func(rows []StepRow, each func(i int, p place)) {
		var p place
		for i := range rows {
			r := &rows[i]
			if r.Again {
				continue
			}
			if r.Payload > 0 {
				p.bare = 0
				if r.FromClient {
					p.up = r.Offset
				} else {
					p.down = r.Offset
				}
			} else {
				p.bare++
			}
			p.fromClient = r.FromClient
			key := p
			if r.Payload > 0 { // by its own direction alone
				if r.FromClient {
					key.down = -1
				} else {
					key.up = -1
				}
			}
			each(i, key)
		}
	}
	fill(other, func(i int, p place) {
		if _, there := at[p]; !there {
			at[p] = i + 1
		}
	})
	fill(of, func(i int, p place) { of[i].Match = at[p] })
}

// compare compares the outputs. noise is the largest difference that means nothing.
func (r *TwinReport) compare(noise float64, episodes []correct.Episode) {
	match(r.A.Steps, r.B.Steps)
	match(r.B.Steps, r.A.Steps)
	low, high := math.Inf(1), math.Inf(-1)
	for _, rows := range [][]StepRow{r.A.Steps, r.B.Steps} {
		for _, s := range rows {
			low, high = min(low, s.Output), max(high, s.Output)
		}
	}
	u := &r.Outputs
	u.Tolerance = max(noise, (high-low)/100)
	for _, s := range r.B.Steps {
		if s.Match == 0 {
			continue
		}
		u.Matched++
		d := s.Output - r.A.Steps[s.Match-1].Output
		u.Area += math.Abs(d)
		u.Largest, u.Last = max(u.Largest, math.Abs(d)), d
		if u.First == 0 && math.Abs(d) > u.Tolerance {
			u.First, u.FirstPhase = s.Step, s.Phase
			for _, e := range episodes {
				// The first matched step after an episode shows what it did.
				u.InEpisode = u.InEpisode || e.From < s.Step && s.Step <= e.To+3
			}
		}
	}
	if u.Matched > 0 {
		u.Area /= float64(u.Matched)
	}
	u.Recovered = u.First > 0 && math.Abs(u.Last) <= u.Tolerance
}

// withoutEach deletes one episode after the other and scores again.
func (r *TwinReport) withoutEach(ctx context.Context, m model.Model, episodes []correct.Episode) error {
	r.Episodes = []EpisodeEffect{}
	if len(episodes) == 0 {
		return nil
	}
	recipe, err := items.RecipeOf(r.Model.Kind, r.Model.Recipe)
	if err != nil {
		return err
	}
	traces := []*items.Trace{r.B.trace}
	for _, e := range episodes {
		traces = append(traces, correct.Without(r.B.trace, e))
	}
	scores, err := scoreTraces(ctx, m, recipe, false, traces...)
	if err != nil {
		return err
	}
	for i, e := range episodes {
		x := EpisodeEffect{From: e.From + 1, To: e.To, Repeated: e.Repeated, Phase: r.B.Steps[e.From].Phase, Without: scores[i+1].Score, After: r.B.Steps[e.To-1].Output}
		if e.From > 0 {
			x.Before = r.B.Steps[e.From-1].Output
		}
		if d := r.A.Score - r.B.Score; math.Abs(d) > r.Outputs.Tolerance {
			x.Restored = (x.Without - r.B.Score) / d
		}
		r.Episodes = append(r.Episodes, x)
	}
	return nil
}

// Write writes twin.json, the steps of both sides as CSV, and the figure.
func (r *TwinReport) Write(dir string) error {
	f, err := newFolder(dir)
	if err != nil {
		return err
	}
	f.json("twin.json", r)
	var rows [][]any
	for _, side := range []struct {
		name string
		rows []StepRow
	}{{record.TwinA, r.A.Steps}, {record.TwinB, r.B.Steps}} {
		for _, s := range side.rows {
			from := "server"
			if s.FromClient {
				from = "client"
			}
			rows = append(rows, []any{side.name, s.Step, s.Time, from, s.Payload, s.Offset, s.Again, s.Phase, s.Output, s.Match})
		}
	}
	f.csv("steps.csv", []string{"side", "step", "time_s", "from", "payload", "offset", "sent_again", "phase", "output", "match"}, rows)
	f.figure("twin.svg", r.Draw)
	return f.close()
}

// Draw makes the figure of the paper's Fig. 3: run b's packets and outputs, with a's outputs at the same bytes.
func (r *TwinReport) Draw() (*plot.Figure, error) {
	s := plot.Steps{
		Title: "Output of " + r.Model.Name + " (" + strings.Join(r.Differ, "; ") + ")", Up: "client to server", Down: "server to client",
		Name: "run b", TwinName: "run a at the same bytes", Label: "output", Spans: r.B.phases, Level: r.Model.Threshold, First: r.Outputs.First - 1,
	}
	for _, row := range r.B.Steps {
		s.Packets = append(s.Packets, plot.StepPacket{Size: row.Payload, Up: row.FromClient, Again: row.Again, Output: row.Output})
		if row.Match > 0 {
			s.Twin = append(s.Twin, plot.StepPoint{Step: float64(row.Step - 1), Output: r.A.Steps[row.Match-1].Output})
		}
	}
	for _, e := range r.Episodes {
		s.Shaded = append(s.Shaded, plot.StepSpan{From: e.From - 1, To: e.To})
	}
	return s.Draw()
}

// WriteText prints what came out.
func (r *TwinReport) WriteText(out io.Writer, dir string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s over the twins of %s, which differ in %s\n", r.Model.Name, r.Dir, orNothing(strings.Join(r.Differ, "; ")))
	for _, side := range []struct {
		name string
		s    *TwinSide
	}{{"a", &r.A}, {"b", &r.B}} {
		fmt.Fprintf(&b, "  %s  score %.4f after %d steps, %d packets sent again\n", side.name, side.s.Score, side.s.Count, side.s.Again)
	}
	u := &r.Outputs
	switch {
	case u.First == 0:
		fmt.Fprintf(&b, "  the outputs do not part by more than %.4f at %d steps with the same bytes\n", u.Tolerance, u.Matched)
	default:
		fmt.Fprintf(&b, "  the outputs part at step %d of b, in phase %q", u.First, u.FirstPhase)
		if u.InEpisode {
			b.WriteString(", in or right after an episode of retransmissions")
		}
		after := "and do not come together again"
		if u.Recovered {
			after = "and come together again"
		}
		fmt.Fprintf(&b, ", %s: %+.4f at the end\n", after, u.Last)
	}
	fmt.Fprintf(&b, "  mean difference %.4f, largest %.4f\n", u.Area, u.Largest)
	if u.Flipped != nil && *u.Flipped {
		fmt.Fprintf(&b, "  only one of the two is called an attack (threshold %.4g)\n", *r.Model.Threshold)
	}
	if n := r.Noise; n != nil {
		fmt.Fprintf(&b, "  noise of %d placebo pairs: mean difference %.4f, largest %.4f\n", n.Pairs, n.Area, n.Largest)
	} else {
		b.WriteString("  no placebo pairs were given: what the same configuration gives twice is not known\n")
	}
	for _, e := range r.Episodes {
		fmt.Fprintf(&b, "  episode at steps %d to %d (%s): output %.4f before, %.4f after; without it the score is %.4f",
			e.From, e.To, e.Phase, e.Before, e.After, e.Without)
		if math.Abs(r.A.Score-r.B.Score) > u.Tolerance {
			fmt.Fprintf(&b, ", which restores %.0f %%", 100*e.Restored)
		}
		b.WriteByte('\n')
	}
	if dir != "" {
		fmt.Fprintf(&b, "  %s draws it\n", filepath.Join(dir, "twin.svg"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}
