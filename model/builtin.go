package model

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"slices"
)

// builtins are models that "detgen model train" made of examples/card-training.yaml, one of each kind: to try what a model
// is asked for without training one. They are small and know one network without congestion.
//
//go:embed builtin
var builtins embed.FS

// Builtins lists their names.
func Builtins() []string { return []string{"forest", "lstm", "kitnet", "cbam"} }

// builtin tells whether a text names one.
func builtin(spec string) bool { return slices.Contains(Builtins(), spec) }

// openBuiltin opens one.
func openBuiltin(name string, _ Options) (Model, error) {
	packed, err := builtins.ReadFile("builtin/" + name + savedExtension + ".gz")
	if err != nil {
		return nil, err
	}
	in, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSaved))
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	return readSaved("model "+name, text)
}
