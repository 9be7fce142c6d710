// Package export writes the models of this program as ONNX files (operator set 13; ai.onnx.ml 3), with their manifests,
// so that others can score with them in Python or anywhere else.
package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"detgen/internal/whole"
	"detgen/model"
	"detgen/model/cbam"
	"detgen/model/forest"
	"detgen/model/kitnet"
	"detgen/model/lstm"
)

// beyond stands for what is no number in a forest: it goes right at every split.
const beyond = 3e38

// Save writes a model to its own file and, when one is named, to an ONNX file too.
func Save(s *model.Saved, path, onnx string) error {
	if err := s.Save(path); err != nil || onnx == "" {
		return err
	}
	return Write(s, onnx)
}

// Write writes a saved model to an ONNX file, and its manifest beside it.
func Write(s *model.Saved, path string) error {
	if filepath.Ext(path) != ".onnx" {
		return fmt.Errorf("%s: the name of an ONNX file ends in .onnx", path)
	}
	m := model.Manifest{Description: s.Description}
	m.Hash, m.Batch = "", 0
	var file []byte
	switch {
	case s.LSTM != nil:
		n, err := lstm.FromWeights(s.LSTM.Shape, s.LSTM.Weights)
		if err != nil {
			return err
		}
		file, m.StepOutput = network(s.Name, n), "probability"
	case s.Forest != nil:
		infinite := model.Filler(beyond)
		file, m.Missing, m.Infinite = trees(s.Name, s.Forest, len(s.Columns)), beyond, &infinite
	case s.KitNET != nil:
		file = ensemble(s.Name, s.KitNET, len(s.Columns), s.Kind == model.Packets)
		if s.Kind == model.Packets {
			m.StepOutput = "score"
		}
	case s.CBAM != nil:
		n, err := cbam.FromWeights(s.CBAM.Shape, s.CBAM.Weights)
		if err != nil {
			return err
		}
		file, m.StepOutput = sessions(s.Name, n), "score"
	default:
		return errors.New("the model has no network, forest or ensemble")
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := whole.WriteFile(path, file); err != nil {
		return err
	}
	return whole.WriteFile(strings.TrimSuffix(path, ".onnx")+".json", append(text, '\n'))
}

// network writes an LSTM: steps (n, t, columns) to the probability of an attack at each step (n, t, 1).
func network(name string, n *lstm.Network) []byte {
	var g graph
	h := n.Cells
	columns, features := len(n.Levels), 0
	var parts []string
	g.ints("two", []int64{2}, 1)
	for c, levels := range n.Levels {
		id := func(what string) string { return fmt.Sprintf("%s%d", what, c) }
		features += n.Dims[c]
		g.ints(id("column"), []int64{int64(c)})
		g.node("Gather", "", []string{"steps", id("column")}, id("token"), number("axis", 2))
		if levels == 0 {
			g.node("Unsqueeze", "", []string{id("token"), "two"}, id("part"))
		} else {
			g.node("Cast", "", []string{id("token")}, id("whole"), number("to", int64s))
			g.ints(id("low"), []int64{0})
			g.ints(id("high"), []int64{int64(levels - 1)})
			g.node("Clip", "", []string{id("whole"), id("low"), id("high")}, id("level"))
			g.floats(id("embed"), n.Embed[c], int64(levels), int64(n.Dims[c]))
			g.node("Gather", "", []string{id("embed"), id("level")}, id("part"), number("axis", 0))
		}
		parts = append(parts, id("part"))
	}
	g.node("Concat", "", parts, "features", number("axis", 2))
	g.node("Transpose", "", []string{"features"}, "bystep", numbers("perm", []int64{1, 0, 2}))
	g.floats("w", gates(n.In, features, h), 1, int64(4*h), int64(features))
	g.floats("r", gates(n.Rec, h, h), 1, int64(4*h), int64(h))
	g.floats("b", append(gates(n.Bias, 1, h), make([]float32, 4*h)...), 1, int64(8*h))
	g.node("LSTM", "", []string{"bystep", "w", "r", "b"}, "hidden", number("hidden_size", int64(h)))
	g.ints("one", []int64{1}, 1)
	g.node("Squeeze", "", []string{"hidden", "one"}, "cells")
	g.floats("out", n.Out, int64(h), 1)
	g.node("MatMul", "", []string{"cells", "out"}, "sum")
	g.floats("shift", n.Shift, 1)
	g.node("Add", "", []string{"sum", "shift"}, "logit")
	g.node("Sigmoid", "", []string{"logit"}, "p")
	g.node("Transpose", "", []string{"p"}, "probability", numbers("perm", []int64{1, 0, 2}))
	g.port(11, "steps", -1, -1, int64(columns))
	g.port(12, "probability", -1, -1, 1)
	return g.file(name, map[string]int64{"": 13}, "")
}

// gates turns rows x 4 cells in the order input, forget, cell, output into ONNX's 4 cells x rows in the order input,
// output, forget, cell.
func gates(m []float32, rows, h int) []float32 {
	out := make([]float32, 0, len(m))
	for _, gate := range []int{0, 3, 1, 2} {
		for k := range h {
			for i := range rows {
				out = append(out, m[i*4*h+gate*h+k])
			}
		}
	}
	return out
}

// trees writes a forest: rows (n, columns) to the probability of an attack (n, 1).
func trees(name string, f forest.Forest, columns int) []byte {
	var ids, nodes, features, yes, no, leafTrees, leafNodes, targets []int64
	var values, weights []float32
	var modes []string
	for i, t := range f {
		for k, n := range t {
			ids, nodes, features = append(ids, int64(i)), append(nodes, int64(k)), append(features, int64(n.Column))
			values, yes, no = append(values, float32(n.Threshold)), append(yes, int64(n.Left)), append(no, int64(n.Right))
			if n.Left > 0 {
				modes = append(modes, "BRANCH_LEQ")
				continue
			}
			modes = append(modes, "LEAF")
			leafTrees, leafNodes = append(leafTrees, int64(i)), append(leafNodes, int64(k))
			targets, weights = append(targets, 0), append(weights, float32(n.Share/float64(len(f))))
		}
	}
	var g graph
	g.node("TreeEnsembleRegressor", "ai.onnx.ml", []string{"row"}, "probability", number("n_targets", 1), text("aggregate_function", "SUM"), text("post_transform", "NONE"),
		numbers("nodes_treeids", ids), numbers("nodes_nodeids", nodes), numbers("nodes_featureids", features), reals("nodes_values", values),
		texts("nodes_modes", modes), numbers("nodes_truenodeids", yes), numbers("nodes_falsenodeids", no),
		numbers("target_treeids", leafTrees), numbers("target_nodeids", leafNodes), numbers("target_ids", targets), reals("target_weights", weights))
	g.port(11, "row", -1, int64(columns))
	g.port(12, "probability", -1, 1)
	return g.file(name, map[string]int64{"": 13, "ai.onnx.ml": 3}, "", "ai.onnx.ml")
}

// ensemble writes a KitNET: rows (n, columns) to their scores (n, 1), or steps (n, t, columns) to the means of the
// steps' scores so far (n, t, 1). Columns that are no number are 0 already: the manifest has them replaced.
func ensemble(name string, n *kitnet.Net, columns int, steps bool) []byte {
	var g graph
	axis := int64(1)
	input := "row"
	if steps {
		axis, input = 2, "steps"
	}
	var parts []string
	for k, group := range n.Groups {
		id := fmt.Sprintf("part%d", k)
		var which []int64
		for _, c := range group {
			which = append(which, int64(c))
		}
		g.ints(id+"columns", which, int64(len(which)))
		g.node("Gather", "", []string{input, id + "columns"}, id+"in", number("axis", axis))
		parts = append(parts, autoencoder(&g, id, id+"in", n.Parts[k], axis))
	}
	g.node("Concat", "", parts, "errors", number("axis", axis))
	score := autoencoder(&g, "output", "errors", n.Output, axis)
	if !steps {
		g.node("Identity", "", []string{score}, "score")
		g.port(11, "row", -1, int64(columns))
		g.port(12, "score", -1, 1)
		return g.file(name, map[string]int64{"": 13}, "")
	}
	meanSoFar(&g, score)
	g.port(11, "steps", -1, -1, int64(columns))
	g.port(12, "score", -1, -1, 1)
	return g.file(name, map[string]int64{"": 13}, "")
}

// meanSoFar adds the output "score" of steps' scores (n, t, 1): their sum so far over the sum of ones.
func meanSoFar(g *graph, score string) {
	g.ints("axis1", []int64{1}, 1)
	g.floats("unit", []float32{1}, 1)
	g.node("CumSum", "", []string{score, "axis1"}, "sumsofar")
	g.node("Sub", "", []string{score, score}, "nothing")
	g.node("Add", "", []string{"nothing", "unit"}, "each")
	g.node("CumSum", "", []string{"each", "axis1"}, "count")
	g.node("Div", "", []string{"sumsofar", "count"}, "score")
}

// autoencoder adds one: its input, scaled, and the root mean square of what that differs by from its reproduction.
func autoencoder(g *graph, id, input string, a *kitnet.Autoencoder, axis int64) string {
	inputs, hidden := int64(len(a.Visible)), int64(len(a.Hidden))
	low, width := make([]float32, inputs), make([]float32, inputs)
	back := make([]float32, len(a.Weights))
	for i := range a.Visible {
		low[i] = float32(a.Low[i])
		if w := a.High[i] - a.Low[i]; w > 0 {
			width[i] = float32(1 / w)
		}
		for k := range a.Hidden {
			back[k*len(a.Visible)+i] = float32(a.Weights[i*len(a.Hidden)+k])
		}
	}
	g.floats(id+"low", low, inputs)
	g.floats(id+"width", width, inputs)
	g.floats(id+"weights", narrow(a.Weights), inputs, hidden)
	g.floats(id+"back", back, hidden, inputs)
	g.floats(id+"hidden", narrow(a.Hidden), hidden)
	g.floats(id+"visible", narrow(a.Visible), inputs)
	step := func(kind string, inputs []string, output string, attributes ...message) string {
		g.node(kind, "", inputs, id+output, attributes...)
		return id + output
	}
	x := step("Mul", []string{step("Sub", []string{input, id + "low"}, "above"), id + "width"}, "x")
	h := step("Sigmoid", []string{step("Add", []string{step("MatMul", []string{x, id + "weights"}, "h0"), id + "hidden"}, "h1")}, "h")
	z := step("Sigmoid", []string{step("Add", []string{step("MatMul", []string{h, id + "back"}, "z0"), id + "visible"}, "z1")}, "z")
	off := step("Sub", []string{x, z}, "off")
	mean := step("ReduceMean", []string{step("Mul", []string{off, off}, "square")}, "mean", numbers("axes", []int64{axis}), number("keepdims", 1))
	return step("Sqrt", []string{mean}, "error")
}

func narrow(list []float64) []float32 {
	out := make([]float32, len(list))
	for i, x := range list {
		out[i] = float32(x)
	}
	return out
}
