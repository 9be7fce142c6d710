package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"detgen/record"
	"detgen/report"
	"detgen/scenario"
	"detgen/twin"
)

// Twin makes two runs of one seed as out/a and out/b, and out/twin.json, out/pairs.csv and the figures.
func (r *Runner) Twin(ctx context.Context, first, second *scenario.Spec, seed uint64, out string, stage func(string)) (*twin.Report, error) {
	if err := record.Vacant(out); err != nil {
		return nil, request(err)
	}
	a, err := r.Resolve(first, seed)
	if err != nil {
		return nil, err
	}
	b, err := r.Resolve(second, seed)
	if err != nil {
		return nil, err
	}
	if record.JoinTwins(a, b) && a.LinkDriver == "" {
		a.LinkDriver, b.LinkDriver = r.engine.TwinDriver(), r.engine.TwinDriver()
	}
	if err := r.Check(ctx, first.LinkDriver); err != nil {
		return nil, err
	}
	staging, err := record.Create(out)
	if err != nil {
		return nil, request(err)
	}
	made, err := r.fillTwin(ctx, a, b, staging.Dir(), stage)
	if err != nil {
		return nil, errors.Join(err, staging.Discard())
	}
	return made, staging.Publish()
}

// fillTwin makes both runs and what is said of them in dir.
func (r *Runner) fillTwin(ctx context.Context, a, b *record.Run, dir string, stage func(string)) (*twin.Report, error) {
	for _, side := range []struct {
		name string
		run  *record.Run
	}{{record.TwinA, a}, {record.TwinB, b}} {
		_, err := r.Make(ctx, side.run, filepath.Join(dir, side.name), func(s string) { stage("twin " + side.name + ": " + s) })
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", side.name, err)
		}
	}
	t, err := twin.Compare(filepath.Join(dir, record.TwinA), filepath.Join(dir, record.TwinB))
	if err != nil {
		return nil, err
	}
	t.A.Dir, t.B.Dir = record.TwinA, record.TwinB
	content, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "twin.json"), append(content, '\n'), 0o644); err != nil {
		return nil, err
	}
	if err := t.WritePairs(filepath.Join(dir, "pairs.csv")); err != nil {
		return nil, err
	}
	return t, report.DrawTwin(t, dir, filepath.Join(dir, "twin.svg"), filepath.Join(dir, "twin.png"))
}
