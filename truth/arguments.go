package truth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"detgen/packet"
	"detgen/record"
	"detgen/table"
)

// CaptureFiles gives the captures that arguments name, in groups that are read as one: files that are named are one
// group, unless apart; the captures of run directories, compared with their record unless unchecked, in the order of
// their names, are one each, also when they are named as files: each shows the same frames as the others. Each capture is
// opened to see that it is one, so that nothing is started for a request that cannot be met.
func CaptureFiles(args []string, unchecked, apart bool) ([][]string, error) {
	var paths [][]string
	together := -1
	file := func(path string) {
		switch {
		case apart || ofRun(path):
			paths = append(paths, []string{path})
		case together < 0:
			together = len(paths)
			paths = append(paths, []string{path})
		default:
			paths[together] = append(paths[together], path)
		}
	}
	for _, arg := range args {
		if arg == "-" {
			file(arg)
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			file(arg)
			continue
		}
		inside, err := runCaptures(arg, unchecked)
		if err != nil {
			return nil, err
		}
		for _, path := range inside {
			paths = append(paths, []string{path})
		}
	}
	for _, path := range slices.Concat(paths...) {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue // a pipe cannot be read twice
		}
		r, err := packet.Open(path)
		if err != nil {
			return nil, err
		}
		r.Close()
	}
	return paths, nil
}

// ofRun tells whether a file is one of the captures of a run directory.
func ofRun(path string) bool {
	_, err := os.Stat(filepath.Join(filepath.Dir(path), "..", record.FileName))
	return err == nil && path != "-"
}

// runCaptures gives the captures of a run directory, in the order of their names.
func runCaptures(dir string, unchecked bool) ([]string, error) {
	rec, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	rec.Unchecked = unchecked
	var paths []string
	for i := range rec.Result.Captures {
		c := &rec.Result.Captures[i]
		file, err := record.OpenCapture(dir, c) // a missing one is an error in any case
		if err != nil {
			return nil, err
		}
		file.Close()
		if err := rec.CheckCapture(dir, c); err != nil {
			return nil, err
		}
		paths = append(paths, filepath.Join(dir, record.CaptureFile(dir, c)))
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: the run has no capture", dir)
	}
	slices.Sort(paths)
	return paths, nil
}

// Labels gives the labels of the captures of run directories, which are read one after the
// other.
type Labels struct {
	unchecked bool

	dir   string
	truth *Truth // of dir
}

// LabelsOf is not nil when the arguments are directories of complete runs only: others have no
// labels. With unchecked, captures are taken as they are.
func LabelsOf(args []string, unchecked bool) *Labels {
	for _, arg := range args {
		if rec, err := record.Read(arg); err != nil || rec.Result.Status != record.Complete {
			return nil
		}
	}
	return &Labels{unchecked: unchecked}
}

// Of gives what adds the labels of a capture, which is in the captures folder of its run directory.
func (l *Labels) Of(path string) (func(*table.Batch, *packet.Frame, *packet.Headers, *packet.Analysis), error) {
	dir := filepath.Dir(filepath.Dir(path))
	if l.truth == nil || l.dir != dir {
		var err error
		if _, l.truth, err = Open(dir, l.unchecked); err != nil {
			return nil, err
		}
		l.dir = dir
	}
	file := "captures/" + record.PlainCapture(filepath.Base(path))
	for i, c := range l.truth.Captures {
		if c.File == file {
			return func(b *table.Batch, f *packet.Frame, _ *packet.Headers, _ *packet.Analysis) {
				l.truth.PutLabels(b, NewRef(i, int(f.Number)-1))
			}, nil
		}
	}
	return nil, errors.New("the record of the run does not name this capture")
}
