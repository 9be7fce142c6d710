package model

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/beneath"
	"detgen/internal/problem"
	"detgen/table"
)

// maxScores bounds how many lines a file of scores may have: 4 GB of them.
const maxScores = 100_000_000

// maxSteps bounds the number of a step in a file of scores.
const maxSteps = 1_000_000

// scoresFile is a model that was asked before: what it said is in a file.
type scoresFile struct {
	about  Description
	path   string
	scores map[string]Score
}

// openScores reads a file of scores.
func openScores(path string, _ Options) (Model, error) {
	f, err := beneath.OpenNamed(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hash := sha256.New()
	m := &scoresFile{path: path, scores: map[string]Score{}}
	steps, err := readScores(path, io.TeeReader(bufio.NewReaderSize(f, 1<<20), hash), m.scores)
	if err != nil {
		return nil, err
	}
	m.about = Description{Name: filepath.Base(path), Hash: hex.EncodeToString(hash.Sum(nil)), Kind: Any, StepScores: steps}
	return m, nil
}

// shown gives the names of columns for an error.
func shown(columns []string) string {
	text := strings.Join(columns, ",")
	if most := 1000; len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// readScores reads a table with the columns id and score, or id, step and score, in any order and among others. It says
// whether there are steps. An item's score is that of its last step.
func readScores(name string, in io.Reader, scores map[string]Score) (hasSteps bool, err error) {
	rows := table.ReadRows(in)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return false, fmt.Errorf(`%s: it is empty: want a line of names, "id,score" or "id,step,score"`, name)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	for i, c := range head {
		head[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(c, "\ufeff")))
	}
	id, step, score := slices.Index(head, "id"), slices.Index(head, "step"), slices.Index(head, "score")
	if id < 0 || score < 0 {
		return false, fmt.Errorf(`%s:1: its columns are %s: want "id,score" or "id,step,score"`, name, shown(head))
	}
	for n := 0; ; n++ {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := rows.FieldPos(0)
		if n == maxScores {
			return false, fmt.Errorf("%s:%d: more than %d scores: split the file", name, line, maxScores)
		}
		if err := addScore(cells, id, step, score, scores); err != nil {
			return false, fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	for key, s := range scores {
		for k, x := range s.Steps {
			if math.IsNaN(x) {
				return false, fmt.Errorf("%s: item %s: step %d of %d has no score", name, key, k+1, len(s.Steps))
			}
		}
		if n := len(s.Steps); n > 0 {
			s.Score = s.Steps[n-1]
			scores[key] = s
		}
	}
	return step >= 0, nil
}

func addScore(cells []string, id, step, score int, scores map[string]Score) error {
	x, err := strconv.ParseFloat(strings.TrimSpace(cells[score]), 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Errorf("item %s: score %q: want a finite number", cells[id], cells[score])
	}
	key := strings.Clone(cells[id])
	s, seen := scores[key]
	if step < 0 {
		if seen {
			return fmt.Errorf("item %s has a score already", key)
		}
		scores[key] = Score{ID: key, Score: x}
		return nil
	}
	k, err := strconv.Atoi(strings.TrimSpace(cells[step]))
	if err != nil || k < 1 || k > maxSteps {
		return fmt.Errorf("item %s: step %q: want a number from 1 to %d", key, cells[step], maxSteps)
	}
	for len(s.Steps) < k {
		s.Steps = append(s.Steps, math.NaN())
	}
	if !math.IsNaN(s.Steps[k-1]) {
		return fmt.Errorf("item %s has a score of step %d already", key, k)
	}
	s.ID, s.Steps[k-1] = key, x
	scores[key] = s
	return nil
}

func (m *scoresFile) Describe() Description { return m.about }

func (m *scoresFile) Close() error { return nil }

// Score joins the scores by id. An item without one ends it.
func (m *scoresFile) Score(_ context.Context, items []Item) ([]Score, error) {
	out := make([]Score, 0, len(items))
	for i := range items {
		s, ok := m.scores[items[i].ID]
		if !ok {
			return out, problem.InRequest(&ItemError{items[i].ID, fmt.Errorf("%s has no score for it", m.path)})
		}
		out = append(out, s)
	}
	return out, nil
}
