package truth

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"detgen/packet"
	"detgen/record"
	"detgen/table"
)

// CaptureFiles gives the captures that arguments name: files as they are, and those in the
// captures folder of run directories, in the order of their names. Each one is opened to see that it
// is a capture, so that nothing is started for a request that cannot be met.
func CaptureFiles(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		if arg == "-" {
			paths = append(paths, arg)
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			paths = append(paths, arg)
			continue
		}
		inside, err := runCaptures(arg)
		if err != nil {
			return nil, err
		}
		paths = append(paths, inside...)
	}
	for _, path := range paths {
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

// runCaptures gives the captures of a run directory.
func runCaptures(dir string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, record.FileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: is no run directory: it has no %s", dir, record.FileName)
	} else if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, "captures"))
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			paths = append(paths, filepath.Join(dir, "captures", e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: there is no capture in it", filepath.Join(dir, "captures"))
	}
	return paths, nil
}

// Labels gives the labels of the captures of run directories, which are read one after the
// other.
type Labels struct {
	dir   string
	truth *Truth // of dir
}

// LabelsOf is not nil when the arguments are directories of complete runs only: others have no
// labels.
func LabelsOf(args []string) *Labels {
	for _, arg := range args {
		if rec, err := record.Read(arg); err != nil || rec.Result.Status != record.Complete {
			return nil
		}
	}
	return &Labels{}
}

// Of gives what adds the labels of a capture, which is in the captures folder of its run directory.
func (l *Labels) Of(path string) (func(*table.Batch, *packet.Frame, *packet.Headers, *packet.Analysis), error) {
	dir := filepath.Dir(filepath.Dir(path))
	if l.truth == nil || l.dir != dir {
		rec, err := record.Read(dir)
		if err != nil {
			return nil, err
		}
		if l.truth, err = Read(dir, rec); err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		l.dir = dir
	}
	file := "captures/" + filepath.Base(path)
	for i, c := range l.truth.Captures {
		if c.File == file {
			return func(b *table.Batch, f *packet.Frame, _ *packet.Headers, _ *packet.Analysis) {
				l.truth.PutLabels(b, NewRef(i, int(f.Number)-1))
			}, nil
		}
	}
	return nil, fmt.Errorf("%s: the record of the run does not name this capture", path)
}
