package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"detgen/record"
)

// ErrUnknown is the error of a folder that is nothing that detgen writes.
var ErrUnknown = errors.New("is no run, twin, sweep, experiment, dataset or result of a probe")

// kind is a kind of folder: the file that tells it, and its page.
type kind struct {
	name, file string
	page       func(dir string, o Options) (*Page, error)
}

var kinds = []kind{
	{"run", record.FileName, Run},
	{"probe", "steps.csv", ProbeTwin}, // it has a twin.json too
	{"twin", TwinFile, Twin},
	{"dataset", DatasetFile, Dataset},
	{"sweep", "sweep.csv", Sweep},
	{"experiment", "paper.json", Experiment("probing")}, // it has a report.json too
	{"probe", "report.json", Probe},
	{"probe", "sweep.json", ProbeSweep},
	{"probe", "correction.json", Correction},
	{"card", "card.json", Card},
	{"experiment", "determinism.json", Experiment("determinism")},
	{"experiment", "factors.json", Experiment("factors")},
	{"experiment", "mirror.json", Experiment("mirror")},
}

// KindOf tells what a folder is, "" for nothing that has a page.
func KindOf(dir string) string {
	if i := kindOf(dir); i >= 0 {
		return kinds[i].name
	}
	return ""
}

func kindOf(dir string) int {
	return slices.IndexFunc(kinds, func(k kind) bool {
		info, err := os.Lstat(filepath.Join(dir, k.file))
		return err == nil && info.Mode().IsRegular()
	})
}

// Open makes the page of a folder.
func Open(dir string, o Options) (*Page, error) {
	i := kindOf(dir)
	if i < 0 {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no such folder", dir)
		}
		return nil, fmt.Errorf("%s %w", dir, ErrUnknown)
	}
	p, err := kinds[i].page(dir, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	p.Sections = slices.DeleteFunc(p.Sections, (*Section).empty)
	return p, nil
}
