package probe

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/internal/oracle"
	"detgen/model/export"
	"detgen/model/items"
	"detgen/model/train"
)

// ownModels does what the README says of a model of one's own, word by word: a published autoencoder of PyTorch, an ONNX
// file, and Suricata.
func ownModels(t *testing.T, detgen, data string, d *items.Dataset) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	folder := oracle.Data(t, "nids-data/model-autoencoder")
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "**A model of your own**")
	_, text, _ = strings.Cut(text, "```\n")
	text, _, there := strings.Cut(text, "```")
	if !there || strings.Count(text, "\n") > 10 {
		t.Fatalf("the README's lines on a model of one's own, ten at most:\n%s", text)
	}
	work := t.TempDir()
	bin := filepath.Join(work, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]string{"bin/detgen": detgen, "first-dataset": data, "examples": filepath.Join(root, "examples")} {
		if err := os.Symlink(of, filepath.Join(work, name)); err != nil {
			t.Fatal(err)
		}
	}
	program := labtest.ONNXProgram(t)
	library, err := exec.Command(filepath.Join(root, "scripts/onnxruntime")).Output()
	if err != nil {
		t.Fatalf("scripts/onnxruntime: %v", err)
	}
	forest, err := train.Run(context.Background(), "forest", d, train.Options{Seed: 1, Trees: 10})
	if err != nil {
		t.Fatal(err)
	}
	if err := export.Write(forest.Saved, filepath.Join(work, "mine.onnx")); err != nil {
		t.Fatal(err)
	}
	// A check that finds faults ends with 1; what it says is looked at below.
	cmd := exec.Command("/bin/sh", "-c", strings.ReplaceAll(text, "FOLDER", folder))
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "PATH="+bin+":/usr/bin:/bin", "DETGEN_ONNX="+program, "ONNXRUNTIME_LIB="+strings.TrimSpace(string(library)), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"report-pytorch", "report-onnx", "report-suricata"} {
		if _, err := os.Stat(filepath.Join(work, name, "report.json")); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
	for _, want := range []string{"autoencoder model-autoencoder", "suricata on first-dataset", "detection"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("nothing says %q:\n%s", want, out)
		}
	}
}
