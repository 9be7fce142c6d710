package experiment

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"detgen/packet"
	"detgen/plot"
	"detgen/seed"
	"detgen/similarity"
)

// Factors is the factor experiment: how far traffic moves when one factor changes, compared with how far it moves when
// nothing does.
type Factors struct {
	plan    *FactorPlan
	text    []byte // identifies the experiment
	options Options
	batch   batch
}

// FactorsResult is what came of it.
type FactorsResult struct {
	Samples int             `json:"samples"`
	Seed    uint64          `json:"seed"`
	Factors []*FactorResult `json:"factors"`
}

// FactorResult is the result for one factor on one engine.
type FactorResult struct {
	Name    string           `json:"name"`
	Factor  string           `json:"factor"`
	Engine  string           `json:"engine"`
	Samples int              `json:"samples"` // complete ones of both sides together
	Failed  int              `json:"failed"`
	Noise   similarity.Pairs `json:"noise"` // pairs of samples of one side
	Moved   similarity.Pairs `json:"moved"` // pairs of a sample of each side
	Base    Traffic          `json:"base"`
	With    Traffic          `json:"with"`

	base, with []*similarity.Sample
}

// Traffic is means over samples.
type Traffic struct {
	Packets     float64 `json:"packets"`
	DataUp      float64 `json:"data_up"` // packets with payload, from the side that opened the connection
	DataDown    float64 `json:"data_down"`
	Pushes      float64 `json:"pushes"` // packets up with PSH
	Connections float64 `json:"connections"`
	Seconds     float64 `json:"seconds"` // from the first packet to the last
}

func newTraffic(samples []*similarity.Sample) (t Traffic) {
	for _, s := range samples {
		t.Packets += float64(len(s.Packets))
		t.Connections += float64(len(s.Connections))
		for _, p := range s.Packets {
			switch {
			case p.Payload > 0 && p.Up:
				t.DataUp++
			case p.Payload > 0:
				t.DataDown++
			}
			if p.Up && p.Flags&packet.PSH != 0 {
				t.Pushes++
			}
		}
		if n := len(s.Packets); n > 0 {
			t.Seconds += s.Packets[n-1].Time.Seconds()
		}
	}
	for _, x := range []*float64{&t.Packets, &t.DataUp, &t.DataDown, &t.Pushes, &t.Connections, &t.Seconds} {
		*x /= float64(max(len(samples), 1))
	}
	return t
}

// NewFactors prepares the experiment of a plan, whose text (ReadFactors) identifies it.
func NewFactors(plan *FactorPlan, text []byte, o Options) (*Factors, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	f := &Factors{plan: plan, text: identify(o.Seed, text), options: o, batch: batch{dir: o.Dir, engines: o.Engines, samples: o.Samples}}
	for _, factor := range plan.Factors {
		s := runSeed(o.Seed, folder(factor.Name))
		f.batch.settings = append(f.batch.settings,
			setting{path: filepath.Join(folder(factor.Name), "base"), name: factor.Name + ", base", spec: factor.Base, host: factor.Host, seed: s},
			setting{path: filepath.Join(folder(factor.Name), "with"), name: factor.Name + ", changed", spec: factor.changed(), host: factor.Host, seed: s})
	}
	return f, nil
}

// Check finds what keeps the runs from being made.
func (f *Factors) Check(ctx context.Context, maker Maker) error {
	return f.batch.check(ctx, maker, f.text)
}

// Begun reports whether the folder holds runs of this experiment, so that they can be measured.
func (f *Factors) Begun() error { return begun(f.options.Dir, f.text) }

// Make makes the runs that are missing.
func (f *Factors) Make(ctx context.Context, maker Maker, report func(Progress)) error {
	if err := claim(f.options.Dir, f.text); err != nil {
		return err
	}
	return f.batch.make(ctx, maker, report)
}

// Measure compares the runs that are there. Scales come from all of them.
func (f *Factors) Measure(ctx context.Context) (*FactorsResult, error) {
	result := &FactorsResult{Samples: f.options.Samples, Seed: f.options.Seed}
	var all []*similarity.Sample
	for i, factor := range f.plan.Factors {
		for _, e := range f.options.Engines {
			r := &FactorResult{Name: factor.Name, Factor: factor.Factor, Engine: e.Name}
			for j, side := range []*[]*similarity.Sample{&r.base, &r.with} {
				samples, failed, _, err := f.batch.read(e.Name, &f.batch.settings[2*i+j], f.options.Measure)
				if err != nil {
					return nil, err
				}
				*side = samples
				r.Samples += len(samples)
				r.Failed += failed
				all = append(all, samples...)
			}
			r.Base, r.With = newTraffic(r.base), newTraffic(r.with)
			result.Factors = append(result.Factors, r)
		}
	}
	reference := similarity.NewReference(all, f.options.Measure)
	for _, r := range result.Factors {
		random := seed.Stream(f.options.Seed, fmt.Sprintf("factor/%s/%s", r.Name, r.Engine))
		noise := append(drawPairs(random, r.base, f.options.Pairs), drawPairs(random, r.with, f.options.Pairs)...)
		for _, part := range []struct {
			into  *similarity.Pairs
			pairs [][2]*similarity.Sample
		}{{&r.Noise, noise}, {&r.Moved, drawAcross(random, r.base, r.with, f.options.Pairs)}} {
			scores, err := reference.CompareAll(ctx, part.pairs)
			if err != nil {
				return nil, err
			}
			*part.into = similarity.SummarizePairs(scores)
		}
	}
	return result, nil
}

// Write writes the result into the experiment's folder: factors.json, factors.csv, factors.md, and a figure for each factor that
// shows a sample of each side (the paper's Fig. 4).
func (f *Factors) Write(r *FactorsResult) error {
	if err := writeResult(f.options.Dir, "factors", r, r.csv()); err != nil {
		return err
	}
	for _, factor := range r.Factors {
		if len(factor.base) == 0 || len(factor.with) == 0 {
			continue // the table says so
		}
		p := &plot.Packets{Title: factor.Name, Up: "to the server", Down: "to the client", Columns: 1,
			Samples: []plot.Sample{stems(factor.base[0], "base"), stems(factor.with[0], "changed")}}
		if err := drawBoth(f.options.Dir, fmt.Sprintf("factor-%s-%s", folder(factor.Name), factor.Engine), p.Draw); err != nil {
			return err
		}
	}
	return nil
}

func (r *FactorsResult) csv() []byte {
	head := []string{"name", "factor", "engine", "samples", "failed"}
	for _, side := range []string{"base", "with"} {
		for _, x := range []string{"packets", "data_up", "data_down", "pushes", "connections", "seconds"} {
			head = append(head, side+"_"+x)
		}
	}
	for _, m := range similarity.Metrics {
		head = append(head, m.Name+"_noise", m.Name+"_moved")
	}
	rows := [][]string{head}
	for _, f := range r.Factors {
		row := []string{f.Name, f.Factor, f.Engine, strconv.Itoa(f.Samples), strconv.Itoa(f.Failed)}
		for _, t := range []*Traffic{&f.Base, &f.With} {
			for _, x := range []float64{t.Packets, t.DataUp, t.DataDown, t.Pushes, t.Connections, t.Seconds} {
				row = append(row, number(x))
			}
		}
		for _, m := range similarity.Metrics {
			row = append(row, number(f.Noise.Metrics[m.Name].Mean), number(f.Moved.Metrics[m.Name].Mean))
		}
		rows = append(rows, row)
	}
	return csvText(rows)
}

// WriteTables writes the result as a Markdown table.
func (r *FactorsResult) WriteTables(out io.Writer) {
	fmt.Fprintf(out, "Mean dissimilarity (0 to 1) of two samples between which only the factor changed, and in brackets of two between which nothing changed; what it did to the numbers of packets.\n\n")
	head := []string{"factor", "changed", "engine"}
	for _, m := range similarity.Metrics[:similarity.PaperMetrics] {
		head = append(head, strings.ToLower(m.Title))
	}
	head = append(head, "packets", "data packets up", "data packets down", "pushes up", "connections", "seconds")
	var rows [][]string
	for _, f := range r.Factors {
		row := []string{f.Factor, f.Name, f.Engine}
		for _, m := range similarity.Metrics[:similarity.PaperMetrics] {
			row = append(row, fmt.Sprintf("%.2g (%.2g)", f.Moved.Metrics[m.Name].Mean, f.Noise.Metrics[m.Name].Mean))
		}
		for _, x := range [][2]float64{{f.Base.Packets, f.With.Packets}, {f.Base.DataUp, f.With.DataUp}, {f.Base.DataDown, f.With.DataDown},
			{f.Base.Pushes, f.With.Pushes}, {f.Base.Connections, f.With.Connections}, {f.Base.Seconds, f.With.Seconds}} {
			row = append(row, change(x[0], x[1]))
		}
		if f.Failed > 0 {
			row[1] += fmt.Sprintf(" (%d runs failed)", f.Failed)
		}
		rows = append(rows, row)
	}
	table(out, head, rows)
}

// change writes two numbers and by how much the second differs.
func change(a, b float64) string {
	text := fmt.Sprintf("%.3g to %.3g", a, b)
	if a != 0 {
		text += fmt.Sprintf(" (%+.0f %%)", 100*(b-a)/a)
	}
	return text
}
