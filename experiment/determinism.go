package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"detgen/record"
	"detgen/seed"
	"detgen/similarity"
)

// Options say how an experiment is done.
type Options struct {
	Dir     string   // for runs and results
	Samples int      // of each setting on each engine
	Pairs   int      // of samples that are compared, drawn at random
	Names   []string // of engines, for OpenDeterminism and OpenFactors, which find them
	Jobs    int      // the most runs at once, where runs do not disturb each other
	Engines []Engine
	Seed    uint64 // the settings' seeds and the pairs are drawn from it
	Measure similarity.Options
}

func (o *Options) validate() error {
	switch {
	case o.Samples < 2:
		return fmt.Errorf("%d samples: must be 2 or more, as samples are compared with each other", o.Samples)
	case o.Pairs < 1:
		return fmt.Errorf("%d pairs: must be 1 or more", o.Pairs)
	case len(o.Engines) == 0:
		return errors.New("no engines: name one or more")
	}
	return o.Measure.Validate()
}

// Determinism is the determinism experiment.
type Determinism struct {
	plan    *Plan
	text    []byte // identifies the experiment
	options Options
	batch   batch
}

// Result is what came of it.
type Result struct {
	Samples int           `json:"samples"` // asked for, of each configuration on each engine
	Seed    uint64        `json:"seed"`
	Types   []*TypeResult `json:"types"`
}

// TypeResult is the result for a type of traffic.
type TypeResult struct {
	Name           string                 `json:"name"`
	Paper          []PaperValues          `json:"paper,omitempty"`
	Configurations []*ConfigurationResult `json:"configurations"`

	// Across is pairs of samples of different configurations of the type: how different its traffic can be.
	Across similarity.Pairs `json:"across"`
	// Maximum is the largest value of each measure among all pairs of the type, those of Across included: what scores are divided by.
	Maximum map[string]float64 `json:"maximum"`
	// Engines has the means over the configurations.
	Engines []*EngineMean `json:"engines"`

	samples []*similarity.Sample
}

// EngineMean is the result for a type on an engine, all configurations together.
type EngineMean struct {
	Engine     string             `json:"engine"`
	Pairs      similarity.Pairs   `json:"pairs"`
	Normalised map[string]float64 `json:"normalised"` // mean divided by Maximum

	scores []similarity.Scores
}

// ConfigurationResult is the result for one configuration.
type ConfigurationResult struct {
	Name       string          `json:"name"`
	Activity   string          `json:"activity"`
	Data       string          `json:"data"`
	Load       string          `json:"load"`
	Congestion string          `json:"congestion"`
	Engines    []*EngineResult `json:"engines"`
}

// EngineResult is the result for one configuration on one engine.
type EngineResult struct {
	Engine     string             `json:"engine"`
	Samples    int                `json:"samples"`  // complete ones
	Failed     int                `json:"failed"`   // runs that did not do what they claim, which are left out
	Distinct   int                `json:"distinct"` // different captures among the samples, by their bytes
	Seconds    float64            `json:"seconds"`  // mean wall time of a run in its lab
	Pairs      similarity.Pairs   `json:"pairs"`
	Normalised map[string]float64 `json:"normalised"` // mean divided by the type's maximum

	samples []*similarity.Sample
	scores  []similarity.Scores
}

// NewDeterminism prepares the experiment of a plan, whose text (ReadPlan) identifies it.
func NewDeterminism(plan *Plan, text []byte, o Options) (*Determinism, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	d := &Determinism{plan: plan, text: identify(o.Seed, text), options: o, batch: batch{dir: o.Dir, engines: o.Engines, samples: o.Samples}}
	for _, t := range plan.Types {
		for _, c := range t.Configurations {
			s := setting{path: configurationPath(t, c), name: t.Name + " " + c.Name, spec: c.Spec, host: t.Host}
			s.seed = runSeed(o.Seed, s.path)
			d.batch.settings = append(d.batch.settings, s)
		}
	}
	return d, nil
}

func configurationPath(t *Type, c *Configuration) string {
	return filepath.Join(folder(t.Name), folder(c.Name))
}

// runSeed is short to write.
func runSeed(of uint64, name string) uint64 { return seed.Derive(of, name) % 1_000_000_000 }

// Check finds what keeps the runs from being made.
func (d *Determinism) Check(ctx context.Context, maker Maker) error {
	return d.batch.check(ctx, maker, d.text)
}

// Begun reports whether the folder holds runs of this experiment, so that they can be measured.
func (d *Determinism) Begun() error { return begun(d.options.Dir, d.text) }

// Make makes the runs that are missing.
func (d *Determinism) Make(ctx context.Context, maker Maker, report func(Progress)) error {
	if err := claim(d.options.Dir, d.text); err != nil {
		return err
	}
	return d.batch.make(ctx, maker, report)
}

// Measure compares the runs that are there.
func (d *Determinism) Measure(ctx context.Context) (*Result, error) {
	result := &Result{Samples: d.options.Samples, Seed: d.options.Seed}
	next := 0
	for _, t := range d.plan.Types {
		r := &TypeResult{Name: t.Name, Paper: t.Paper}
		for _, c := range t.Configurations {
			cr := &ConfigurationResult{Name: c.Name, Activity: c.Activity, Data: c.Data, Load: c.Load, Congestion: c.Congestion}
			for _, e := range d.options.Engines {
				er, err := d.read(e.Name, &d.batch.settings[next])
				if err != nil {
					return nil, err
				}
				cr.Engines = append(cr.Engines, er)
				r.samples = append(r.samples, er.samples...)
			}
			next++
			r.Configurations = append(r.Configurations, cr)
		}
		if err := d.measure(ctx, r); err != nil {
			return nil, err
		}
		result.Types = append(result.Types, r)
	}
	return result, nil
}

// read reads the samples of a configuration.
func (d *Determinism) read(engine string, s *setting) (*EngineResult, error) {
	samples, failed, seconds, err := d.batch.read(engine, s, d.options.Measure)
	if err != nil {
		return nil, err
	}
	r := &EngineResult{Engine: engine, Samples: len(samples), Failed: failed, Seconds: seconds, samples: samples}
	different := map[string]bool{}
	for _, s := range samples {
		different[fmt.Sprint(s.Digests)] = true
	}
	r.Distinct = len(different)
	return r, nil
}

// read reads the complete samples of a setting that are there, and gives the number of failed ones and the mean wall time of a run.
func (b *batch) read(engine string, s *setting, o similarity.Options) (samples []*similarity.Sample, failed int, seconds float64, err error) {
	for i := range b.samples {
		dir := b.sampleDir(engine, s, i)
		if _, err := os.Stat(filepath.Join(dir, record.FileName)); errors.Is(err, os.ErrNotExist) {
			continue // not made yet
		}
		r, err := record.Read(dir)
		if err != nil {
			return nil, 0, 0, err
		}
		if r.Result.Status != record.Complete {
			failed++
			continue
		}
		sample, err := similarity.Read(dir, s.host, o)
		if err != nil {
			return nil, 0, 0, err
		}
		seconds += time.Duration(r.Result.WallTime).Seconds()
		samples = append(samples, sample)
	}
	if len(samples) > 0 {
		seconds /= float64(len(samples))
	}
	return samples, failed, seconds, nil
}

// measure compares the samples of a type.
func (d *Determinism) measure(ctx context.Context, t *TypeResult) error {
	reference := similarity.NewReference(t.samples, d.options.Measure)
	maximum := map[string]float64{}
	compare := func(pairs [][2]*similarity.Sample) ([]similarity.Scores, error) {
		scores, err := reference.CompareAll(ctx, pairs)
		for i := range scores {
			for _, m := range similarity.Metrics {
				maximum[m.Name] = max(maximum[m.Name], m.Of(&scores[i]))
			}
		}
		return scores, err
	}
	var across [][2]*similarity.Sample
	var pools [][]*similarity.Sample // of each configuration, all engines
	for _, c := range t.Configurations {
		var pool []*similarity.Sample
		for _, e := range c.Engines {
			random := seed.Stream(d.options.Seed, fmt.Sprintf("pairs/%s/%s/%s", t.Name, c.Name, e.Engine))
			var err error
			if e.scores, err = compare(drawPairs(random, e.samples, d.options.Pairs)); err != nil {
				return err
			}
			e.Pairs = similarity.SummarizePairs(e.scores)
			pool = append(pool, e.samples...)
		}
		random := seed.Stream(d.options.Seed, fmt.Sprintf("across/%s/%s", t.Name, c.Name))
		for _, other := range pools {
			across = append(across, drawAcross(random, other, pool, d.options.Pairs)...)
		}
		pools = append(pools, pool)
	}
	scores, err := compare(across)
	if err != nil {
		return err
	}
	t.Across, t.Maximum = similarity.SummarizePairs(scores), maximum
	for i, e := range d.options.Engines {
		mean := &EngineMean{Engine: e.Name}
		for _, c := range t.Configurations {
			c.Engines[i].Normalised = t.normalise(&c.Engines[i].Pairs)
			mean.scores = append(mean.scores, c.Engines[i].scores...)
		}
		mean.Pairs = similarity.SummarizePairs(mean.scores)
		mean.Normalised = t.normalise(&mean.Pairs)
		t.Engines = append(t.Engines, mean)
	}
	return nil
}

// normalise divides means by the type's maximum.
func (t *TypeResult) normalise(p *similarity.Pairs) map[string]float64 {
	n := map[string]float64{}
	for _, m := range similarity.Metrics {
		n[m.Name] = t.share(m, p.Metrics[m.Name].Mean)
	}
	return n
}

// share is a value as a share of the type's maximum; 0 when all values are 0.
func (t *TypeResult) share(m similarity.Metric, value float64) float64 {
	if t.Maximum[m.Name] == 0 {
		return 0
	}
	return value / t.Maximum[m.Name]
}

// drawPairs draws different pairs of samples; all, when there are no more than n.
func drawPairs(random *rand.Rand, samples []*similarity.Sample, n int) (pairs [][2]*similarity.Sample) {
	for i, a := range samples {
		for _, b := range samples[i+1:] {
			pairs = append(pairs, [2]*similarity.Sample{a, b})
		}
	}
	return draw(random, pairs, n)
}

// drawAcross draws different pairs of a sample of each of two groups.
func drawAcross(random *rand.Rand, a, b []*similarity.Sample, n int) (pairs [][2]*similarity.Sample) {
	for _, x := range a {
		for _, y := range b {
			pairs = append(pairs, [2]*similarity.Sample{x, y})
		}
	}
	return draw(random, pairs, n)
}

func draw(random *rand.Rand, pairs [][2]*similarity.Sample, n int) [][2]*similarity.Sample {
	random.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	return slices.Clone(pairs[:min(n, len(pairs))])
}
