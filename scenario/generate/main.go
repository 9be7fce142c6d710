// Command generate writes what is made from the format's Go types and from the catalogue: the
// JSON Schemas of scenario.yaml, of spec files and of plans of datasets, docs/scenario-format.md, the tables of
// docs/spec.md, and a page for each scenario in docs/scenarios. "go generate ./scenario" runs it;
// its test checks that what is committed is current.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write(".."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write writes all files below the module's root.
func write(root string) error {
	files, err := files(root)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(root, pagesFolder, "*.md"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

const pagesFolder = "docs/scenarios"

// files makes all files, by their path from the module's root.
func files(root string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, step := range []func(root string, out map[string][]byte) error{schemas, reference, pages, implementations} {
		if err := step(root, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}
