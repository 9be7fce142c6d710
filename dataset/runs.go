package dataset

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"detgen/internal/beneath"
	"detgen/record"
	"detgen/table"
)

// readRun reads the run.json of a run that a dataset's folder has: kind is RunsFolder or Failed.
func readRun(dir, kind, id string) (*record.Record, error) {
	return record.ReadBelow(dir, filepath.Join(kind, id))
}

// readRuns reads the table of a dataset's runs, whoever wrote it: its rows without the heading, and the places of the named
// columns, the first of which is the run's. Ids of runs, which become paths, are such.
func readRuns(dir string, columns ...string) (rows [][]string, at []int, err error) {
	path := filepath.Join(dir, RunsTable)
	f, err := beneath.Open(dir, RunsTable)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if rows, err = table.ReadRows(f).ReadAll(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("%s has no heading", path)
	}
	for _, name := range columns {
		i := slices.Index(rows[0], name)
		if i < 0 {
			return nil, nil, fmt.Errorf("%s lacks a column %s: want %s", path, name, strings.Join(columns, ", "))
		}
		at = append(at, i)
	}
	for _, row := range rows[1:] {
		if !idPattern.MatchString(row[at[0]]) {
			return nil, nil, fmt.Errorf("%s: %q is no id of a run", path, row[at[0]])
		}
	}
	return rows[1:], at, nil
}
