package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"detgen/model"
)

// Scorer scores items with an ONNX file and its manifest.
type Scorer struct {
	m       *model.Manifest
	session *Session

	input         int
	output, steps int // steps: of an output with a score for each step, -1
	batch         int64
}

// NewScorer opens a model and compares its inputs and outputs with its manifest. The caller closes it.
func NewScorer(library, path string, m *model.Manifest) (*Scorer, error) {
	session, err := Open(library, path)
	if err != nil {
		return nil, err
	}
	s := &Scorer{m: m, session: session, steps: -1}
	if err := s.fit(); err != nil {
		session.Close()
		return nil, fmt.Errorf("the manifest does not fit %s: %w", path, err)
	}
	return s, nil
}

// Close frees the model.
func (s *Scorer) Close() error { return s.session.Close() }

// find finds a port by name.
func find(field, name string, ports []Port) (int, error) {
	names := make([]string, len(ports))
	for i, p := range ports {
		if names[i] = p.Name; p.Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s: there is no %q; there are %q", field, name, names)
}

// fit finds the ports that the manifest means and compares shapes.
func (s *Scorer) fit() (err error) {
	in, out := s.session.Inputs, s.session.Outputs
	switch {
	case s.m.Input != "":
		if s.input, err = find("input", s.m.Input, in); err != nil {
			return err
		}
	case len(in) != 1:
		return fmt.Errorf("input: the file has %d inputs: name the one that takes the items", len(in))
	}
	if s.m.Output != "" {
		if s.output, err = find("output", s.m.Output, out); err != nil {
			return err
		}
	} else {
		s.output = -1
		for i, p := range out {
			if !p.Tensor || p.Type == Float32 || p.Type == Float64 {
				s.output = i
			}
		}
		if s.output < 0 {
			return errors.New("output: none of the outputs has real numbers: name one")
		}
	}
	if s.m.StepOutput != "" {
		if s.steps, err = find("step_output", s.m.StepOutput, out); err != nil {
			return err
		}
	}
	port := in[s.input]
	if !slices.Contains([]Type{Float32, Float64, Int32, Int64}, port.Type) || !port.Tensor {
		return fmt.Errorf("input %q takes no numbers", port.Name)
	}
	if len(port.Shape) > 0 && port.Shape[0] > 0 {
		s.batch = port.Shape[0]
	}
	if err := s.fitWidth(port); err != nil {
		return err
	}
	return s.fitClass(out[s.output])
}

// fitWidth compares the columns with the input's shape.
func (s *Scorer) fitWidth(port Port) error {
	columns := int64(len(s.m.Columns))
	if s.m.Kind == model.Flows {
		width := int64(1)
		for _, d := range port.Shape[min(1, len(port.Shape)):] {
			if d < 0 {
				return nil // any number; the first row will tell
			}
			width *= d
		}
		if width != columns {
			return fmt.Errorf("columns: there are %d, and input %q takes %d (shape %v)", columns, port.Name, width, port.Shape)
		}
		return nil
	}
	if len(port.Shape) != 3 {
		return fmt.Errorf("input %q has shape %v: packets are (items, steps, columns)", port.Name, port.Shape)
	}
	if d := port.Shape[2]; d > 0 && columns > 0 && d != columns {
		return fmt.Errorf("columns: there are %d, and input %q takes %d (shape %v)", columns, port.Name, d, port.Shape)
	}
	if d := port.Shape[1]; d > 0 && s.m.Length != int(d) {
		return fmt.Errorf("length: it is %d, and input %q takes %d steps", s.m.Length, port.Name, d)
	}
	return nil
}

// fitClass compares the class with the output's shape.
func (s *Scorer) fitClass(port Port) error {
	if !port.Tensor || len(port.Shape) < 2 {
		return nil
	}
	classes := port.Shape[len(port.Shape)-1]
	return s.checkClass(port.Name, int(classes))
}

// checkClass finds a class that an output of so many columns does not have; less than 0: not known.
func (s *Scorer) checkClass(name string, classes int) error {
	if classes <= 0 || s.steps >= 0 {
		return nil
	}
	wanted := s.m.Class
	if wanted == nil {
		wanted = s.m.BenignClass
	}
	switch {
	case wanted == nil && classes > 2:
		return fmt.Errorf("output %q has %d columns: give class, the one of attacks, or benign_class", name, classes)
	case wanted != nil && (*wanted < 0 || *wanted >= classes):
		return fmt.Errorf("class: output %q has columns 0 to %d, not %d", name, classes-1, *wanted)
	}
	return nil
}

// Score scores items, in the direction of the model.
func (s *Scorer) Score(items []model.Item) ([]model.Score, error) {
	if s.m.Kind != model.Flows {
		return s.packets(items)
	}
	size := int(s.batch)
	if size == 0 {
		size = len(items)
	}
	var scores []model.Score
	for part := range slices.Chunk(items, size) {
		columns := len(s.m.Columns)
		rows := size
		if s.batch == 0 {
			rows = len(part)
		}
		in := Tensor{Shape: []int64{int64(rows), int64(columns)}, Values: make([]float64, rows*columns)}
		if shape := s.session.Inputs[s.input].Shape; len(shape) > 2 { // (items, 1, columns) and the like
			in.Shape = slices.Clone(shape)
			in.Shape[0] = int64(rows)
			for i, d := range in.Shape {
				if d < 0 {
					in.Shape[i] = int64(columns)
				}
			}
		}
		for i := range part {
			if len(part[i].Row) != columns {
				return scores, &model.ItemError{ID: part[i].ID, Err: fmt.Errorf("it has %d numbers for %d columns", len(part[i].Row), columns)}
			}
			copy(in.Values[i*columns:], s.m.Scale(part[i].Row))
		}
		out, err := s.session.Run(s.input, in, s.output)
		if err != nil {
			return scores, err
		}
		width := len(out.Values) / rows
		if len(out.Values) != width*rows || width == 0 {
			return scores, fmt.Errorf("the output has shape %v for %d items", out.Shape, rows)
		}
		if err := s.checkClass(s.session.Outputs[s.output].Name, width); err != nil {
			return scores, err
		}
		for i := range part {
			scores = append(scores, model.Score{ID: part[i].ID, Score: s.pick(out.Values[i*width : (i+1)*width])})
		}
	}
	return scores, nil
}

// pick gives the score in a row of the output.
func (s *Scorer) pick(row []float64) float64 {
	at := len(row) - 1
	switch {
	case s.m.BenignClass != nil:
		at = *s.m.BenignClass
	case s.m.Class != nil:
		at = *s.m.Class
	}
	x := row[at]
	switch s.m.Activation {
	case "sigmoid":
		x = 1 / (1 + math.Exp(-x))
	case "softmax":
		most := slices.Max(row)
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(v - most)
		}
		x = math.Exp(x-most) / sum
	}
	if s.m.BenignClass != nil {
		return 1 - x
	}
	return x
}

// packets scores sequences, one after the other.
func (s *Scorer) packets(items []model.Item) ([]model.Score, error) {
	scores := make([]model.Score, 0, len(items))
	for i := range items {
		one, err := s.sequence(&items[i])
		if err != nil {
			return scores, &model.ItemError{ID: items[i].ID, Err: err}
		}
		scores = append(scores, one)
	}
	return scores, nil
}

func (s *Scorer) sequence(item *model.Item) (model.Score, error) {
	n := len(item.Steps)
	if s.m.MaxSteps > 0 {
		n = min(n, s.m.MaxSteps)
	}
	if n == 0 {
		return model.Score{}, errors.New("it has no steps")
	}
	columns, length := len(item.Steps[0]), n
	if s.m.Length > 0 {
		length = s.m.Length
	}
	rows := max(1, int(s.batch))
	in := Tensor{Shape: []int64{int64(rows), int64(length), int64(columns)}, Values: make([]float64, rows*length*columns)}
	first := 0
	if s.m.Padding == "left" {
		first = length - n
	}
	for k := range n {
		row := make([]float64, columns)
		for i, x := range item.Steps[k] {
			row[i] = float64(x)
		}
		copy(in.Values[(first+k)*columns:], s.m.Scale(row))
	}
	output := s.output
	if s.steps >= 0 {
		output = s.steps
	}
	out, err := s.session.Run(s.input, in, output)
	if err != nil {
		return model.Score{}, err
	}
	own := out.Values[:len(out.Values)/rows]
	if s.steps < 0 {
		if err := s.checkClass(s.session.Outputs[output].Name, len(own)); err != nil {
			return model.Score{}, err
		}
		return model.Score{ID: item.ID, Score: s.pick(own)}, nil
	}
	width := len(own) / length
	if width == 0 || width*length != len(own) {
		return model.Score{}, fmt.Errorf("the output of steps has shape %v for %d steps", out.Shape, length)
	}
	score := model.Score{ID: item.ID, Steps: make([]float64, n)}
	for k := range score.Steps {
		score.Steps[k] = s.pick(own[(first+k)*width : (first+k+1)*width])
	}
	score.Score = score.Steps[n-1]
	return score, nil
}
