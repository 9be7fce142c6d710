package model

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/labtest"
)

// onnxColumns are the columns of the test's network, in CICFlowMeter's spelling.
var onnxColumns = []string{"Flow Duration", "Total Fwd Packet", "Total Bwd packets", "Total Length of Fwd Packet", "Total Length of Bwd Packet",
	"Fwd Packet Length Max", "Fwd Packet Length Mean", "Bwd Packet Length Max", "Bwd Packet Length Mean", "Flow Bytes/s", "Flow Packets/s",
	"Flow IAT Mean", "Flow IAT Std", "Flow IAT Max", "Fwd IAT Mean", "Bwd IAT Mean", "Fwd Header Length", "Bwd Header Length", "Packet Length Mean", "Packet Length Std"}

// onnxFolder runs a script of testdata that makes ONNX files in a folder, and says where detgen-onnx and ONNX Runtime are.
func onnxFolder(t *testing.T, script string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("asks PyTorch and fetches ONNX Runtime")
	}
	library, err := exec.Command("../scripts/onnxruntime").Output()
	if err != nil {
		t.Fatalf("scripts/onnxruntime: %v", err)
	}
	folder := t.TempDir()
	t.Setenv(programVariable, labtest.ONNXProgram(t))
	t.Setenv(runtimeVariable, strings.TrimSpace(string(library)))
	putJSON(t, folder, "columns.json", onnxColumns)
	if said, err := exec.Command("/usr/bin/python3", "testdata/"+script, folder).CombinedOutput(); err != nil {
		t.Fatalf("PyTorch, scikit-learn and ONNX's Python package (scripts/install): %v: %s", err, said)
	}
	return folder
}

func putJSON(t *testing.T, folder, name string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rowItems makes items of rows whose numbers are texts, as JSON has neither NaN nor infinities.
func rowItems(t *testing.T, rows [][]string) []Item {
	t.Helper()
	items := make([]Item, len(rows))
	for i, row := range rows {
		items[i] = Item{ID: fmt.Sprint(i), Row: make([]float64, len(row))}
		for k, cell := range row {
			var err error
			if items[i].Row[k], err = strconv.ParseFloat(cell, 64); err != nil {
				t.Fatal(err)
			}
		}
	}
	return items
}

// TestONNXForms scores one classifier in each form in which people have it.
func TestONNXForms(t *testing.T) {
	folder := onnxFolder(t, "forms.py")
	var said struct {
		Rows  [][]string
		Forms []struct {
			Name   string
			Scores []float64
		}
	}
	readJSON(t, filepath.Join(folder, "forms.json"), &said)
	items := rowItems(t, said.Rows)
	wrong := map[string]string{ // and what keeps a form from being scored
		"two-outputs-unnamed":   `["p" "latent"] have real numbers: name the one that has the score`,
		"sklearn-texts-unnamed": `output "maps" has the classes ["ATTACK" "BENIGN"]: give class`,
		"sklearn-texts-unknown": `output "maps" has no "attack"; ["ATTACK" "BENIGN"]`,
	}
	hashes := map[string]bool{}
	for _, form := range said.Forms {
		t.Run(form.Name, func(t *testing.T) {
			m, err := Open(filepath.Join(folder, form.Name+".onnx"), Options{})
			var got []Score
			if err == nil {
				defer m.Close()
				hashes[m.Describe().Hash] = true
				got, err = m.Score(context.Background(), items)
			}
			if want := wrong[form.Name]; want != "" {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if d := math.Abs(got[i].Score - form.Scores[i]); d > 1e-5*max(1, math.Abs(form.Scores[i])) {
					t.Fatalf("item %d has %v, want %v", i, got[i].Score, form.Scores[i])
				}
			}
		})
	}
	if len(hashes) != len(said.Forms)-1 { // two-outputs-unnamed is not opened
		t.Errorf("%d models have %d hashes", len(said.Forms)-1, len(hashes))
	}

	// A model whose weights are beside it is another one with other weights, and none without.
	weights := filepath.Join(folder, "beside.onnx.data")
	text, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	text[3] ^= 0x40
	if err := os.WriteFile(weights, text, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(filepath.Join(folder, "beside.onnx"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if hashes[m.Describe().Hash] {
		t.Error("other weights, the same hash")
	}
	if err := os.Remove(weights); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(folder, "beside.onnx"), Options{}); err == nil || !strings.Contains(err.Error(), "beside.onnx has weights in another file") {
		t.Errorf("without its weights: %v", err)
	}
}

// TestONNX compares what ONNX files say through detgen-onnx with what PyTorch and scikit-learn say.
func TestONNX(t *testing.T) {
	folder := onnxFolder(t, "mlp.py")
	put := func(name string, v any) { putJSON(t, folder, name, v) }
	var said struct {
		Scaler     map[string]any
		Rows       [][]string
		Scores     []float64
		Steps      [][][]float32
		StepScores [][]float64 `json:"step_scores"`
	}
	readJSON(t, filepath.Join(folder, "said.json"), &said)
	good := map[string]any{"name": "mlp", "columns": onnxColumns, "scaler": said.Scaler, "class": 1, "probability": true, "threshold": 0.5}
	with := func(key string, value any) map[string]any {
		m := map[string]any{}
		for k, v := range good {
			m[k] = v
		}
		m[key] = value
		return m
	}

	t.Run("rows", func(t *testing.T) {
		put("mlp.json", good)
		m, err := Open(filepath.Join(folder, "mlp.onnx"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if d := m.Describe(); d.Hash == "" || d.Kind != Flows || *d.Threshold != 0.5 {
			t.Errorf("description %+v", d)
		}
		items := rowItems(t, said.Rows)
		got, err := m.Score(context.Background(), items)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if math.Abs(got[i].Score-said.Scores[i]) > 2e-6 {
				t.Fatalf("item %d has %v, and PyTorch says %v", i, got[i].Score, said.Scores[i])
			}
		}
	})

	t.Run("steps", func(t *testing.T) {
		put("sequence.json", map[string]any{"kind": "packets", "step_output": "logits", "activation": "sigmoid", "direction": "lower", "probability": true})
		m, err := Open(filepath.Join(folder, "sequence.onnx"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for i, steps := range said.Steps {
			got, err := m.Score(context.Background(), []Item{{ID: "a", Steps: steps}})
			if err != nil {
				t.Fatal(err)
			}
			for k, s := range got[0].Steps {
				if math.Abs(1-s-said.StepScores[i][k]) > 1e-5 {
					t.Fatalf("step %d of item %d has %v, and PyTorch says %v turned", k, i, s, said.StepScores[i][k])
				}
			}
			if got[0].Score != got[0].Steps[11] {
				t.Errorf("score %v, steps %v", got[0].Score, got[0].Steps)
			}
		}
	})

	for name, test := range map[string]struct {
		manifest any
		wrong    string
	}{
		"too few columns":   {map[string]any{"columns": onnxColumns[:19]}, "the manifest does not fit"},
		"scaler's length":   {with("scaler", map[string]any{"scale": []float64{1, 2}}), "scaler.scale: it has 2 numbers for 20 columns"},
		"scale of 0":        {with("scaler", map[string]any{"scale": make([]float64, 20)}), "scaler.scale: number 1 (Flow Duration) is 0"},
		"class":             {with("class", 2), "has columns 0 to 1, not 2"},
		"class's name":      {with("class", "ATTACK"), `the columns of output "p" have no names: give the number of "ATTACK" among its 2, from 0`},
		"class of a list":   {with("class", []int{1}), "class: [1] is neither the number of a column nor a label"},
		"scaler's field":    {with("scaler", map[string]any{"quantiles": 1}), `scaler: unknown field "quantiles": it has kind, centre, scale and clip`},
		"scaler multiplies": {with("scaler", map[string]any{"min_": 1, "scale_": 1}), "multiplies by scale_: give data_min_ and data_range_"},
		"missing":           {with("missing", "none"), `"none" is neither a number nor "nan"`},
		"output":            {with("output", "q"), `output: there is no "q"; there are ["p"]`},
		"field":             {with("colums", 2), `unknown field "colums"`},
		"digest":            {with("sha256", "ab"), "sha256: it is for a file with ab"},
		"direction":         {with("direction", "up"), `direction: "up" is not "higher" or "lower"`},
		"kind":              {with("kind", "images"), "an ONNX file takes flow, packets or session"},
		"column twice":      {map[string]any{"columns": []string{"a", "a"}}, `"a" is there twice`},
		"two names for one": {with("scaler", map[string]any{"center": make([]float64, 20), "mean": make([]float64, 20)}), "are the same: give one"},
	} {
		t.Run(name, func(t *testing.T) {
			put("mlp.json", test.manifest)
			if _, err := Open(filepath.Join(folder, "mlp.onnx"), Options{}); err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%v, want %q", err, test.wrong)
			}
		})
	}

	t.Run("no library", func(t *testing.T) {
		put("mlp.json", good)
		if _, err := Open(filepath.Join(folder, "mlp.onnx"), Options{Runtime: "/nowhere/libonnxruntime.so"}); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Error(err)
		}
		if _, err := Open(filepath.Join(folder, "mlp.onnx"), Options{Runtime: "../go.mod"}); err == nil || !strings.Contains(err.Error(), "load ONNX Runtime") {
			t.Error(err)
		}
		os.WriteFile(filepath.Join(folder, "mlp.onnx"), []byte("no model"), 0o644)
		if _, err := Open(filepath.Join(folder, "mlp.onnx"), Options{}); err == nil || !strings.Contains(err.Error(), "mlp.onnx") {
			t.Error(err)
		}
	})
}
