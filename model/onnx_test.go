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

// TestONNX compares what ONNX files say through detgen-onnx with what PyTorch and scikit-learn say.
func TestONNX(t *testing.T) {
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
	put := func(name string, v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	put("columns.json", onnxColumns)
	if said, err := exec.Command("/usr/bin/python3", "testdata/mlp.py", folder).CombinedOutput(); err != nil {
		t.Fatalf("PyTorch and scikit-learn (scripts/install): %v: %s", err, said)
	}
	text, err := os.ReadFile(filepath.Join(folder, "said.json"))
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		Scaler     map[string]any
		Rows       [][]string
		Scores     []float64
		Steps      [][][]float32
		StepScores [][]float64 `json:"step_scores"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
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
		items := make([]Item, len(said.Rows))
		for i, row := range said.Rows {
			items[i] = Item{ID: fmt.Sprint(i), Row: make([]float64, len(row))}
			for k, cell := range row {
				if items[i].Row[k], err = strconv.ParseFloat(cell, 64); err != nil {
					t.Fatal(err)
				}
			}
		}
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
