package similarity

import (
	"context"
	"errors"
	"runtime"

	"detgen/internal/problem"

	"golang.org/x/sync/errgroup"
)

// Pairs is what came of comparing pairs of samples.
type Pairs struct {
	Pairs     int                `json:"pairs"`
	Identical int                `json:"identical"` // pairs with the same bytes in all captures
	KSPass    int                `json:"ks_pass"`   // pairs that the Kolmogorov-Smirnov test does not tell apart
	Metrics   map[string]Summary `json:"metrics"`   // by Metric.Name
}

// SummarizePairs describes the scores of pairs.
func SummarizePairs(scores []Scores) Pairs {
	p := Pairs{Pairs: len(scores), Metrics: map[string]Summary{}}
	for i := range scores {
		if scores[i].Identical {
			p.Identical++
		}
		if scores[i].KSPass {
			p.KSPass++
		}
	}
	for _, m := range Metrics {
		p.Metrics[m.Name] = Summarize(Values(scores, m))
	}
	return p
}

// Values gives a metric of each pair.
func Values(scores []Scores, m Metric) []float64 {
	values := make([]float64, len(scores))
	for i := range scores {
		values[i] = m.Of(&scores[i])
	}
	return values
}

// Groups is the comparison of two groups of samples.
type Groups struct {
	A       []string           `json:"a"`
	B       []string           `json:"b,omitempty"`
	WithinA Pairs              `json:"within_a"`
	WithinB Pairs              `json:"within_b"`
	Between Pairs              `json:"between"`
	AUC     map[string]float64 `json:"auc,omitempty"` // by Metric.Name: probability that a pair between the groups scores higher than one within a group

	Reference int `json:"reference"` // connections that the scales come from
}

// Files are the captures and run directories whose samples are compared.
type Files struct {
	A, B      []string // the groups; B may be empty
	Reference []string // that scales come from too
	Host      string   // of run directories: whose capture; "": that of the main activity's first script
}

// Compare reads the samples and compares them. show is told what it does.
func (f *Files) Compare(ctx context.Context, o Options, show func(string)) (*Groups, error) {
	if err := o.Validate(); err != nil {
		return nil, problem.InRequest(err)
	}
	if len(f.A) == 0 || len(f.A)+len(f.B) < 2 {
		return nil, problem.InRequest(errors.New("compare: name two or more captures or run directories"))
	}
	var samples [3][]*Sample
	for i, paths := range [][]string{f.A, f.B, f.Reference} {
		for _, path := range paths {
			show("read " + path)
			s, err := Read(path, f.Host, o)
			if err != nil {
				return nil, problem.InRequest(err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	show("compare")
	return CompareGroups(ctx, samples[0], samples[1], samples[2], o)
}

// CompareGroups compares all pairs of samples of two groups, of which the second can be empty. Scales come from both groups and from
// further samples.
func CompareGroups(ctx context.Context, a, b, further []*Sample, o Options) (*Groups, error) {
	r := NewReference(append(append(append([]*Sample(nil), a...), b...), further...), o)
	g := &Groups{AUC: map[string]float64{}, Reference: r.Connections()}
	for _, s := range a {
		g.A = append(g.A, s.Name)
	}
	for _, s := range b {
		g.B = append(g.B, s.Name)
	}
	within := func(list []*Sample) (pairs [][2]*Sample) {
		for i, x := range list {
			for _, y := range list[i+1:] {
				pairs = append(pairs, [2]*Sample{x, y})
			}
		}
		return pairs
	}
	var across [][2]*Sample
	for _, x := range a {
		for _, y := range b {
			across = append(across, [2]*Sample{x, y})
		}
	}
	var scores [3][]Scores
	for i, pairs := range [][][2]*Sample{within(a), within(b), across} {
		var err error
		if scores[i], err = r.CompareAll(ctx, pairs); err != nil {
			return nil, err
		}
	}
	g.WithinA, g.WithinB, g.Between = SummarizePairs(scores[0]), SummarizePairs(scores[1]), SummarizePairs(scores[2])
	for _, m := range Metrics {
		if auc, ok := AUC(Values(append(scores[0], scores[1]...), m), Values(scores[2], m)); ok {
			g.AUC[m.Name] = auc
		}
	}
	return g, nil
}

// CompareAll compares pairs on all cores.
func (r *Reference) CompareAll(ctx context.Context, pairs [][2]*Sample) ([]Scores, error) {
	scores := make([]Scores, len(pairs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for i, p := range pairs {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			scores[i] = r.Compare(p[0], p[1])
			return nil
		})
	}
	return scores, group.Wait()
}
