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
	"detgen/model/forest"
	"detgen/model/lstm"
)

// beyond stands for what is no number in a forest: it goes right at every split.
const beyond = 3e38

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
		infinite := float64(beyond)
		file, m.Missing, m.Infinite = trees(s.Name, s.Forest, len(s.Columns)), beyond, &infinite
	default:
		return errors.New("the model has neither a network nor a forest")
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
