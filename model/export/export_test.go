package export

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/model"
	"detgen/model/cbam"
	"detgen/model/forest"
	"detgen/model/kitnet"
	"detgen/model/lstm"
)

// followed is a CBAM that knows some of the states of the test.
func followed(random *rand.Rand) *model.SavedCBAM {
	s := cbam.Shape{States: [][3]int{{6, 50, 1}, {6, 51, 0}, {17, 52, 1}, {17, 53, 1}}, Edges: []float64{100, 200, 300, 400, 400, 800}, Cells: 6}
	return &model.SavedCBAM{Shape: s, Weights: cbam.New(s, random).Weights()}
}

// TestONNXRuntimeSaysTheSame scores with exported models through ONNX Runtime and compares with the models themselves.
func TestONNXRuntimeSaysTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches ONNX Runtime")
	}
	library, err := exec.Command("../../scripts/onnxruntime").Output()
	if err != nil {
		t.Fatalf("scripts/onnxruntime: %v", err)
	}
	folder := t.TempDir()
	t.Setenv("DETGEN_ONNX", labtest.ONNXProgram(t))
	random := rand.New(rand.NewPCG(1, 2))
	threshold := 0.4

	shape := lstm.NewShape([]int{2, 16, 0, 16, 8}, 24)
	network := lstm.New(shape, random)
	var sequences []model.Item
	for i := range 20 {
		item := model.Item{ID: fmt.Sprint(i)}
		for range 1 + random.IntN(30) {
			item.Steps = append(item.Steps, []float32{float32(random.IntN(2)), float32(random.IntN(20)), random.Float32(), float32(random.IntN(16)), float32(random.IntN(8))})
		}
		sequences = append(sequences, item)
	}
	var rows [][]float64
	var attack []bool
	var flows []model.Item
	for i := range 300 {
		row := []float64{float64(random.IntN(50)), random.NormFloat64(), random.ExpFloat64() * 1000}
		switch i % 10 {
		case 3:
			row[1] = math.NaN()
		case 5:
			row[2] = math.Inf(1)
		}
		rows, attack = append(rows, row), append(attack, row[0] > 25 != (row[1] > 0))
		flows = append(flows, model.Item{ID: fmt.Sprint(i), Row: row})
	}
	var sessions []model.Item
	for i := range 20 {
		item := model.Item{ID: fmt.Sprint(i)}
		for range 1 + i%6 {
			item.Steps = append(item.Steps, []float32{float32(6 + 11*random.IntN(2)), float32(50 + random.IntN(6)), float32(random.IntN(2)), random.Float32() * 900, 1})
		}
		sessions = append(sessions, item)
	}
	unlike := func(rows [][]float64, most int) *kitnet.Net {
		n, err := kitnet.Train(context.Background(), rows, kitnet.Options{Most: most}, random)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var packets [][]float64
	for _, item := range sequences[:10] {
		for _, step := range item.Steps {
			row := make([]float64, len(step))
			for k, x := range step {
				row[k] = float64(x)
			}
			packets = append(packets, row)
		}
	}
	for name, test := range map[string]struct {
		saved *model.Saved
		items []model.Item
	}{
		"lstm": {&model.Saved{Description: model.Description{Name: "l", Kind: model.Packets, Columns: []string{"a", "b", "c", "d", "e"}, StepScores: true, MaxSteps: 25, Probability: true, Threshold: &threshold},
			LSTM: &model.SavedLSTM{Shape: shape, Weights: network.Weights()}}, sequences},
		"forest": {&model.Saved{Description: model.Description{Name: "f", Kind: model.Flows, Columns: []string{"a", "b", "c"}, Probability: true},
			Forest: forest.Train(rows, attack, forest.Options{Trees: 30}, random)}, flows},
		"kitnet":         {&model.Saved{Description: model.Description{Name: "k", Kind: model.Flows, Columns: []string{"a", "b", "c"}}, KitNET: unlike(rows, 2)}, flows},
		"cbam":           {&model.Saved{Description: model.Description{Name: "c", Kind: model.Sessions, Recipe: "sessions1", Columns: []string{"protocol", "port", "role", "bytes", "gap"}, StepScores: true}, CBAM: followed(random)}, sessions},
		"kitnet-packets": {&model.Saved{Description: model.Description{Name: "k", Kind: model.Packets, Columns: []string{"a", "b", "c", "d", "e"}, StepScores: true, MaxSteps: 25}, KitNET: unlike(packets, 2)}, sequences},
	} {
		t.Run(name, func(t *testing.T) {
			own, err := test.saved.Model()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(folder, name+".onnx")
			if err := Write(test.saved, path); err != nil {
				t.Fatal(err)
			}
			other, err := model.Open(path, model.Options{Runtime: strings.TrimSpace(string(library))})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			a, err := own.Score(context.Background(), test.items)
			if err != nil {
				t.Fatal(err)
			}
			b, err := other.Score(context.Background(), test.items)
			if err != nil {
				t.Fatal(err)
			}
			lowest, highest := 1.0, 0.0
			for i := range a {
				lowest, highest = min(lowest, a[i].Score), max(highest, a[i].Score)
				if math.Abs(a[i].Score-b[i].Score) > 1e-5 || len(a[i].Steps) != len(b[i].Steps) {
					t.Fatalf("item %s: %v (%d steps) here, %v (%d steps) there", a[i].ID, a[i].Score, len(a[i].Steps), b[i].Score, len(b[i].Steps))
				}
				for k := range a[i].Steps {
					if math.Abs(a[i].Steps[k]-b[i].Steps[k]) > 1e-5 {
						t.Fatalf("item %s, step %d: %v here, %v there", a[i].ID, k+1, a[i].Steps[k], b[i].Steps[k])
					}
				}
			}
			if highest-lowest < 0.01 {
				t.Errorf("all scores are about %v: that compares nothing", highest)
			}
		})
	}
}
