// Command detgen-onnx runs an ONNX file for detgen: it reads items and prints scores, as docs/models.md says of commands.
// It is a program of its own because it loads ONNX Runtime's shared library: detgen itself is linked statically, and
// what others wrote does not run in it.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"

	"detgen/model"
	"detgen/model/onnx"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if len(args) != 3 {
		return errors.New("detgen starts this program; its arguments are ONNX Runtime's library, an ONNX file, its manifest")
	}
	m, err := model.ReadManifest(args[2])
	if err != nil {
		return err
	}
	s, err := onnx.NewScorer(args[0], args[1], m)
	if err != nil {
		return err
	}
	defer s.Close()
	out := bufio.NewWriter(os.Stdout)
	text, err := json.Marshal(map[string]any{"detgen": 1, "kind": m.Kind, "columns": m.Columns})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", text)
	if err := out.Flush(); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 64<<10), 64<<20)
	var batch []model.Item
	for lines.Scan() {
		if len(lines.Bytes()) > 0 {
			item, err := read(lines.Bytes())
			if err != nil {
				return err
			}
			batch = append(batch, item)
			continue
		}
		if err := answer(out, s, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return lines.Err()
}

// answer scores a batch and prints the scores.
func answer(out *bufio.Writer, s *onnx.Scorer, batch []model.Item) error {
	if len(batch) == 0 {
		return nil
	}
	scores, err := s.Score(batch)
	for _, score := range scores {
		text, wrong := json.Marshal(map[string]any{"id": score.ID, "score": score.Score, "steps": score.Steps})
		if wrong != nil { // NaN and infinities have no form in JSON
			id, _ := json.Marshal(score.ID) // a string always has a form
			text = fmt.Appendf(nil, `{"id": %s, "score": NaN}`, id)
		}
		fmt.Fprintf(out, "%s\n", text)
	}
	return errors.Join(err, out.Flush())
}

// read reads an item: null is what is no number, 1e999 an infinity.
func read(line []byte) (model.Item, error) {
	var in struct {
		ID    string
		Row   []json.RawMessage
		Steps [][]float32
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return model.Item{}, err
	}
	item := model.Item{ID: in.ID, Steps: in.Steps}
	if in.Row != nil {
		item.Row = make([]float64, len(in.Row))
	}
	for i, text := range in.Row {
		switch string(text) {
		case "null":
			item.Row[i] = math.NaN()
		case "1e999":
			item.Row[i] = math.Inf(1)
		case "-1e999":
			item.Row[i] = math.Inf(-1)
		default:
			if err := json.Unmarshal(text, &item.Row[i]); err != nil {
				return item, err
			}
		}
	}
	return item, nil
}
