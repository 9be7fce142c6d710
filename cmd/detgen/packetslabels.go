package main

import (
	"fmt"
	"path/filepath"

	"detgen/packet"
	"detgen/record"
	"detgen/table"
	"detgen/truth"
)

// runLabels gives the labels of the captures of run directories, which are read one after the
// other.
type runLabels struct {
	dir   string
	truth *truth.Truth // of dir
}

// labelsOf is not nil when the arguments are directories of complete runs only: others have no
// labels.
func labelsOf(args []string) *runLabels {
	for _, arg := range args {
		if rec, err := record.Read(arg); err != nil || rec.Result.Status != record.Complete {
			return nil
		}
	}
	return &runLabels{}
}

// of gives what adds the labels of a capture, which is in the captures folder of its run directory.
func (l *runLabels) of(path string) (func(*table.Batch, *packet.Frame, *packet.Headers, *packet.Analysis), error) {
	dir := filepath.Dir(filepath.Dir(path))
	if l.truth == nil || l.dir != dir {
		rec, err := record.Read(dir)
		if err != nil {
			return nil, err
		}
		if l.truth, err = truth.Read(dir, rec); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		l.dir = dir
	}
	file := "captures/" + filepath.Base(path)
	for i, c := range l.truth.Captures {
		if c.File == file {
			return func(b *table.Batch, f *packet.Frame, _ *packet.Headers, _ *packet.Analysis) {
				l.truth.PutLabels(b, truth.NewRef(i, int(f.Number)-1))
			}, nil
		}
	}
	return nil, fmt.Errorf("%s: the record of the run does not name this capture", path)
}
