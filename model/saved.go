package model

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"detgen/internal/beneath"
	"detgen/internal/whole"
	"detgen/model/cbam"
	"detgen/model/forest"
	"detgen/model/kitnet"
	"detgen/model/lstm"
)

// savedExtension ends the names of files that "detgen model train" writes.
const savedExtension = ".model"

// What such a file may have. A forest of 100 trees for 3,000 flows has 0.2 MB, the largest of the other models that are built in
// 0.5 MB. Numbers and nodes have more bytes as Save writes them; so few that a file cannot take much more memory than it is long.
const (
	maxSaved    = 120 << 20 // bytes
	leastValue  = 6         // bytes of a value in a list, in the mean
	leastObject = 30        // bytes of an object, in the mean: a leaf of a tree has 31
	fewValues   = 1 << 16   // that may be shorter
)

// Saved is a model of this program in a file: JSON, as docs/models.md describes it. One of LSTM, Forest, KitNET and CBAM is
// there.
type Saved struct {
	Format int `json:"detgen_model"` // 1
	Description
	Seed   uint64        `json:"seed"` // of training
	LSTM   *SavedLSTM    `json:"lstm,omitempty"`
	Forest forest.Forest `json:"forest,omitempty"`
	KitNET *kitnet.Net   `json:"kitnet,omitempty"`
	CBAM   *SavedCBAM    `json:"cbam,omitempty"`
}

// SavedCBAM is a network of package cbam.
type SavedCBAM struct {
	Shape   cbam.Shape `json:"shape"`
	Weights []float64  `json:"weights"` // docs/models.md has their order
}

// SavedLSTM is a network of package lstm.
type SavedLSTM struct {
	Shape   lstm.Shape `json:"shape"`
	Weights []float32  `json:"weights"` // embeddings by column, input, recurrent (rows by source, gates input, forget, cell, output), bias, output, its bias
}

// Save writes the file.
func (s *Saved) Save(path string) error {
	s.Format = 1
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if len(text) > maxSaved {
		return fmt.Errorf("%s: the model has %d MiB, and at most %d are read again: train a smaller one (fewer trees or cells)", path, len(text)>>20, maxSaved>>20)
	}
	return whole.WriteFile(path, append(text, '\n'))
}

// openSaved reads a file that Save wrote.
func openSaved(path string, _ Options) (Model, error) {
	text, err := beneath.ReadNamed(path, maxSaved)
	if err != nil {
		return nil, err
	}
	return readSaved(path, text)
}

// dense finds a JSON text of so many values and objects that what is made of it takes many times its length.
func dense(text []byte) error {
	values, objects, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{':
			objects++
		case c == '[' || c == ',':
			values++
		}
	}
	switch {
	case values-fewValues > len(text)/leastValue:
		return fmt.Errorf("it has %d values in %d bytes; a model has at most one in %d", values, len(text), leastValue)
	case objects-fewValues > len(text)/leastObject:
		return fmt.Errorf("it has %d objects in %d bytes; a model has at most one in %d", objects, len(text), leastObject)
	}
	return nil
}

// readSaved reads what Save wrote; path is its name for messages.
func readSaved(path string, text []byte) (Model, error) {
	if err := dense(text); err != nil {
		return nil, fmt.Errorf("%s is not a saved model: %w", path, err)
	}
	s := &Saved{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%s is not a saved model: %w", path, err)
	}
	if s.Format != 1 {
		return nil, fmt.Errorf("%s: its format is %d, and this program reads format 1", path, s.Format)
	}
	sum := sha256.Sum256(text)
	s.Hash = hex.EncodeToString(sum[:])
	m, err := s.Model()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Model makes a model of what was read or trained.
func (s *Saved) Model() (Model, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	switch {
	case s.LSTM != nil && s.Kind == Packets:
		n, err := lstm.FromWeights(s.LSTM.Shape, s.LSTM.Weights)
		if err != nil {
			return nil, err
		}
		return &lstmModel{s.Description, n}, nil
	case s.Forest != nil && s.Kind == Flows:
		if err := s.Forest.Validate(len(s.Columns)); err != nil {
			return nil, err
		}
		return &forestModel{s.Description, s.Forest}, nil
	case s.KitNET != nil && (s.Kind == Flows || s.Kind == Packets):
		if err := s.KitNET.Validate(len(s.Columns)); err != nil {
			return nil, err
		}
		return &kitnetModel{s.Description, s.KitNET}, nil
	case s.CBAM != nil && s.Kind == Sessions:
		n, err := cbam.FromWeights(s.CBAM.Shape, s.CBAM.Weights)
		if err != nil {
			return nil, err
		}
		return &cbamModel{s.Description, n}, nil
	}
	return nil, errors.New("it has neither a network for packets (lstm), a forest for flows, a kitnet, nor a cbam for sessions")
}

// lstmModel scores packet sequences: the score of a connection is that of its last step.
type lstmModel struct {
	about   Description
	network *lstm.Network
}

func (m *lstmModel) Describe() Description { return m.about }
func (m *lstmModel) Close() error          { return nil }

// lstmBatch is how many sequences go through a network at once. They are of about one length.
const lstmBatch = 64

func (m *lstmModel) Score(ctx context.Context, items []Item) ([]Score, error) {
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
		for _, step := range items[i].Steps {
			if len(step) != len(m.network.Levels) {
				return nil, &ItemError{items[i].ID, fmt.Errorf("a step has %d columns, and the model takes %d", len(step), len(m.network.Levels))}
			}
		}
		if len(items[i].Steps) == 0 {
			return nil, &ItemError{items[i].ID, errors.New("it has no steps")}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.about.steps(&items[a]), m.about.steps(&items[b])) })
	scores := make([]Score, len(items))
	for batch := range slices.Chunk(order, lstmBatch) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sequences := make([][][]float32, len(batch))
		for k, i := range batch {
			sequences[k] = items[i].Steps[:m.about.steps(&items[i])]
		}
		for k, p := range m.network.Probabilities(sequences) {
			scores[batch[k]] = Score{ID: items[batch[k]].ID, Score: p[len(p)-1], Steps: p}
		}
	}
	return scores, nil
}

// forestModel scores flow rows.
type forestModel struct {
	about Description
	trees forest.Forest
}

func (m *forestModel) Describe() Description { return m.about }
func (m *forestModel) Close() error          { return nil }

func (m *forestModel) Score(ctx context.Context, items []Item) ([]Score, error) {
	scores := make([]Score, 0, len(items))
	for i := range items {
		if len(items[i].Row) != len(m.about.Columns) {
			return scores, &ItemError{items[i].ID, fmt.Errorf("it has %d numbers for %d columns", len(items[i].Row), len(m.about.Columns))}
		}
		scores = append(scores, Score{ID: items[i].ID, Score: m.trees.Probability(items[i].Row)})
	}
	return scores, ctx.Err()
}

// kitnetModel scores flow rows, or the packets of a connection one by one: a connection's score is then the mean of its
// packets', and a step's that of those up to it.
type kitnetModel struct {
	about Description
	net   *kitnet.Net
}

func (m *kitnetModel) Describe() Description { return m.about }
func (m *kitnetModel) Close() error          { return nil }

func (m *kitnetModel) Score(ctx context.Context, items []Item) ([]Score, error) {
	scores := make([]Score, 0, len(items))
	for i := range items {
		if err := ctx.Err(); err != nil {
			return scores, err
		}
		rows := [][]float64{items[i].Row}
		if m.about.Kind == Packets {
			rows = nil
			for _, step := range items[i].Steps[:m.about.steps(&items[i])] {
				rows = append(rows, wide(step))
			}
		}
		s, sum := Score{ID: items[i].ID}, 0.0
		for k, row := range rows {
			if len(row) != len(m.about.Columns) {
				return scores, &ItemError{items[i].ID, fmt.Errorf("it has %d numbers for %d columns", len(row), len(m.about.Columns))}
			}
			sum += m.net.Score(row)
			s.Score = sum / float64(k+1)
			if m.about.Kind == Packets {
				s.Steps = append(s.Steps, s.Score)
			}
		}
		scores = append(scores, s)
	}
	return scores, nil
}

// wide gives a step's numbers in float64.
func wide(step []float32) []float64 {
	row := make([]float64, len(step))
	for k, x := range step {
		row[k] = float64(x)
	}
	return row
}

// cbamModel scores sessions: how little their connections fit between those before and after, step by step the mean of
// those so far.
type cbamModel struct {
	about   Description
	network *cbam.Network
}

func (m *cbamModel) Describe() Description { return m.about }
func (m *cbamModel) Close() error          { return nil }

func (m *cbamModel) Score(ctx context.Context, items []Item) ([]Score, error) {
	scores := make([]Score, 0, len(items))
	for i := range items {
		if err := ctx.Err(); err != nil {
			return scores, err
		}
		steps := items[i].Steps[:m.about.steps(&items[i])]
		if len(steps) == 0 {
			return scores, &ItemError{items[i].ID, errors.New("it has no connections")}
		}
		for _, s := range steps {
			if len(s) != len(m.about.Columns) {
				return scores, &ItemError{items[i].ID, fmt.Errorf("a connection has %d columns, and the model takes %d", len(s), len(m.about.Columns))}
			}
		}
		all := m.network.Surprise(steps)
		scores = append(scores, Score{ID: items[i].ID, Score: all[len(all)-1], Steps: all})
	}
	return scores, nil
}
