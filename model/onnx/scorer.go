package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"detgen/flow"
	"detgen/model"
)

// Scorer scores items with an ONNX file and its manifest.
type Scorer struct {
	m       *model.Manifest
	session *Session

	inputs        []int // columns that each of several inputs takes, one each; nil: one input takes the items
	single        bool  // the input takes one item alone, without a dimension for several
	output, steps int   // steps: of an output with a score for each step, -1
	batch         int64 // items that the input takes at once; 0: any number
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
func (s *Scorer) fit() error {
	if err := s.fitOutputs(); err != nil {
		return err
	}
	in := s.session.Inputs
	for _, port := range in {
		if !port.Tensor || !port.Type.numeric() {
			return fmt.Errorf("input %q takes no numbers", port.Name)
		}
	}
	if len(in) != 1 {
		return s.fitInputs()
	}
	if s.m.Input != "" {
		if _, err := find("input", s.m.Input, in); err != nil {
			return err
		}
	}
	if s.single = s.m.Kind == model.Flows && len(in[0].Shape) == 1; !s.single && len(in[0].Shape) > 0 {
		s.batch = max(0, in[0].Shape[0])
	}
	if err := s.fitWidth(in[0]); err != nil {
		return err
	}
	return s.fitClass(s.session.Outputs[s.output])
}

// fitOutputs finds the output that has the score.
func (s *Scorer) fitOutputs() (err error) {
	out := s.session.Outputs
	s.output = -1
	if s.m.StepOutput != "" {
		if s.steps, err = find("step_output", s.m.StepOutput, out); err != nil {
			return err
		}
		s.output = s.steps
	}
	if s.m.Output != "" {
		s.output, err = find("output", s.m.Output, out)
		return err
	}
	if s.output >= 0 {
		return nil
	}
	var real, any []string
	for i, p := range out {
		any = append(any, p.Name)
		if !p.Tensor || p.Type.real() {
			real, s.output = append(real, p.Name), i
		}
	}
	switch {
	case len(real) > 1:
		return fmt.Errorf("output: %q have real numbers: name the one that has the score", real)
	case len(real) == 1:
	case len(out) == 1:
		s.output = 0
	default:
		return fmt.Errorf("output: none of %q has real numbers: name the one that has the score", any)
	}
	return nil
}

// fitInputs joins columns with inputs that take one each, as converters make them of tables: by name where all names
// are those of columns, else one after the other.
func (s *Scorer) fitInputs() error {
	in, columns := s.session.Inputs, s.m.Columns
	if s.m.Input != "" || s.m.Kind != model.Flows || len(in) != len(columns) {
		return fmt.Errorf("the file has %d inputs for %d columns: detgen gives all columns to one input, or one column to each", len(in), len(columns))
	}
	named := map[int]bool{}
	s.inputs = make([]int, len(in))
	for i, port := range in {
		if n := len(port.Shape); n < 1 || n > 2 || port.Shape[0] > 0 || n == 2 && port.Shape[1] > 1 {
			return fmt.Errorf("input %q has shape %v: of several inputs each takes one column of any number of items", port.Name, port.Shape)
		}
		s.inputs[i] = i
		if k := slices.IndexFunc(columns, func(c string) bool { return flow.PlainName(c) == flow.PlainName(port.Name) }); k >= 0 {
			s.inputs[i], named[k] = k, true
		}
	}
	if len(named) != 0 && len(named) != len(in) {
		return fmt.Errorf("columns: %d of the %d inputs have names of columns: want all, or none", len(named), len(in))
	}
	return s.fitClass(s.session.Outputs[s.output])
}

// fitWidth compares the columns with the input's shape.
func (s *Scorer) fitWidth(port Port) error {
	columns := int64(len(s.m.Columns))
	if s.m.Kind == model.Flows {
		if _, ok := s.rowShape(port.Shape); !ok {
			return fmt.Errorf("columns: there are %d, which input %q does not take (shape %v, -1 is any)", columns, port.Name, port.Shape)
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

// rowShape gives the shape of one row of the columns in an input's shape, without the dimension of items. What the
// input leaves open is 1, but the last such, which has what remains.
func (s *Scorer) rowShape(port []int64) (shape []int64, ok bool) {
	if len(port) == 0 {
		return nil, false
	}
	if shape = slices.Clone(port); !s.single {
		shape = shape[1:]
	}
	rest, open := int64(len(s.m.Columns)), -1
	for i, d := range shape {
		if d < 0 {
			shape[i], open = 1, i
		} else if d == 0 || rest%d != 0 {
			return nil, false
		} else {
			rest /= d
		}
	}
	if open >= 0 {
		shape[open], rest = rest, 1
	}
	return shape, rest == 1
}

// fitClass compares the class with the output's shape.
func (s *Scorer) fitClass(port Port) error {
	if !port.Tensor || len(port.Shape) < 2 {
		return nil
	}
	return s.checkClass(port.Name, int(port.Shape[len(port.Shape)-1]), nil)
}

// labelled tells whether the output is a label for each item, not numbers for each class.
func (s *Scorer) labelled() bool {
	port := s.session.Outputs[s.output]
	return port.Tensor && !port.Type.real() && (len(port.Shape) < 2 || port.Shape[len(port.Shape)-1] == 1)
}

// wanted is the class that the score is made of, and whether that is the benign one.
func (s *Scorer) wanted() (c *model.Class, benign bool) {
	if s.m.BenignClass != nil {
		return s.m.BenignClass, true
	}
	return s.m.Class, false
}

// checkClass finds a class that an output of so many columns, with these labels where they have some, does not have;
// columns less than 1: not known.
func (s *Scorer) checkClass(name string, columns int, labels []string) error {
	if columns <= 0 || s.steps >= 0 {
		return nil
	}
	c, _ := s.wanted()
	switch {
	case s.labelled() && c == nil && s.session.Outputs[s.output].Type == String:
		return fmt.Errorf("output %q has labels: give class, the one of attacks, or benign_class", name)
	case s.labelled():
		return nil
	case s.m.Activation == "softmax" && columns == 1:
		return fmt.Errorf("activation: softmax of the one column of output %q is always 1: sigmoid makes a probability of a single logit", name)
	case c == nil && columns > 2:
		return fmt.Errorf("output %q has %d columns%s: give class, the one of attacks, or benign_class", name, columns, listed(labels))
	case c == nil && slices.ContainsFunc(labels, func(l string) bool { _, err := strconv.Atoi(l); return err != nil }):
		return fmt.Errorf("output %q has the classes%s: give class, the one of attacks, or benign_class", name, listed(labels))
	case c != nil && c.Label != "" && labels != nil && !slices.Contains(labels, c.Label):
		return fmt.Errorf("class: output %q has no %q;%s", name, c.Label, listed(labels))
	case c != nil && c.Label != "" && labels == nil && s.session.Outputs[s.output].Tensor:
		return fmt.Errorf("class: the columns of output %q have no names: give the number of %q among its %d, from 0", name, c.Label, columns)
	case c != nil && c.Label == "" && !slices.Contains(labels, c.Text()) && (c.Column < 0 || c.Column >= columns):
		return fmt.Errorf("class: output %q has columns 0 to %d, not %d", name, columns-1, c.Column)
	}
	return nil
}

func listed(labels []string) string {
	if labels == nil {
		return ""
	}
	return fmt.Sprintf(" %q", labels)
}

// Score scores items, in the direction of the model.
func (s *Scorer) Score(items []model.Item) ([]model.Score, error) {
	if s.m.Kind != model.Flows {
		return s.packets(items)
	}
	size := int(s.batch)
	switch {
	case s.single:
		size = 1
	case size == 0:
		size = len(items)
	}
	var scores []model.Score
	for part := range slices.Chunk(items, size) {
		rows := size
		if s.batch == 0 {
			rows = len(part)
		}
		in, err := s.rows(part, rows)
		if err != nil {
			return scores, err
		}
		out, err := s.session.Run(in, s.output)
		if err != nil {
			return scores, err
		}
		if err := s.pickAll(part, rows, &out, &scores); err != nil {
			return scores, err
		}
	}
	return scores, nil
}

// rows lays items out as the inputs take them, with zeros behind the last item up to so many rows.
func (s *Scorer) rows(items []model.Item, rows int) ([]Tensor, error) {
	columns := len(s.m.Columns)
	all := make([]float64, rows*columns)
	for i := range items {
		if len(items[i].Row) != columns {
			return nil, &model.ItemError{ID: items[i].ID, Err: fmt.Errorf("it has %d numbers for %d columns", len(items[i].Row), columns)}
		}
		copy(all[i*columns:], s.m.Scale(items[i].Row))
	}
	if s.inputs == nil {
		shape, _ := s.rowShape(s.session.Inputs[0].Shape)
		if !s.single {
			shape = append([]int64{int64(rows)}, shape...)
		}
		return []Tensor{{Shape: shape, Values: all}}, nil
	}
	list := make([]Tensor, len(s.inputs))
	for i, column := range s.inputs {
		list[i] = Tensor{Shape: []int64{int64(rows), 1}[:len(s.session.Inputs[i].Shape)], Values: make([]float64, rows)}
		for r := range rows {
			list[i].Values[r] = all[r*columns+column]
		}
	}
	return list, nil
}

// pickAll adds the scores of items in an output of so many rows.
func (s *Scorer) pickAll(items []model.Item, rows int, out *Tensor, scores *[]model.Score) error {
	n := max(len(out.Values), len(out.Texts))
	width := n / rows
	if n != width*rows || width == 0 {
		return fmt.Errorf("the output has shape %v for %d items", out.Shape, rows)
	}
	if err := s.checkClass(s.session.Outputs[s.output].Name, width, out.Labels); err != nil {
		return err
	}
	for i := range items {
		score := model.Score{ID: items[i].ID}
		switch {
		case s.labelled() && width == 1 && out.Texts != nil:
			score.Score = s.isAttack(out.Texts[i])
		case s.labelled() && width == 1:
			if score.Score = out.Values[i]; s.m.Class != nil || s.m.BenignClass != nil {
				score.Score = s.isAttack(strconv.FormatFloat(out.Values[i], 'f', -1, 64))
			}
		case out.Texts != nil:
			return fmt.Errorf("output %q has texts, and numbers are needed", s.session.Outputs[s.output].Name)
		default:
			score.Score = s.pick(out.Values[i*width:(i+1)*width], out.Labels)
		}
		*scores = append(*scores, score)
	}
	return nil
}

// isAttack makes a score of a label: 1 for that of attacks, 0 for another.
func (s *Scorer) isAttack(label string) float64 {
	if c, benign := s.wanted(); (c.Text() == label) != benign {
		return 1
	}
	return 0
}

// pick gives the score in a row of the output, whose columns may have labels.
func (s *Scorer) pick(row []float64, labels []string) float64 {
	at := len(row) - 1
	c, benign := s.wanted()
	switch {
	case c == nil:
	case slices.Contains(labels, c.Text()):
		at = slices.Index(labels, c.Text())
	default:
		at = c.Column
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
	if benign {
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
	if s.steps < 0 {
		out, err := s.session.Run([]Tensor{in}, s.output)
		if err != nil {
			return model.Score{}, err
		}
		var scores []model.Score
		if err := s.pickAll([]model.Item{*item}, rows, &out, &scores); err != nil {
			return model.Score{}, err
		}
		return scores[0], nil
	}
	out, err := s.session.Run([]Tensor{in}, s.steps)
	if err != nil {
		return model.Score{}, err
	}
	own := out.Values[:len(out.Values)/rows]
	width := len(own) / length
	if width == 0 || width*length != len(own) {
		return model.Score{}, fmt.Errorf("the output of steps has shape %v for %d steps", out.Shape, length)
	}
	score := model.Score{ID: item.ID, Steps: make([]float64, n)}
	for k := range score.Steps {
		score.Steps[k] = s.pick(own[(first+k)*width:(first+k+1)*width], nil)
	}
	score.Score = score.Steps[n-1]
	return score, nil
}
