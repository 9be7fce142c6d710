package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detgen/catalogue"
	"detgen/scenario"
)

// implementations writes the table of what each implementation puts on the wire that the others
// do not. The test of the catalogue checks every row.
func implementations(root string, out map[string][]byte) error {
	files := os.DirFS(filepath.Join(root, "catalogue"))
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: files})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(`# What tells implementations apart

Made from the test.yaml of each scenario by ` + "`go generate ./scenario`" + `. Each row is a display filter of tshark that matches frames
of runs with that implementation and none of runs with another; ` + "`make test-catalogue`" + ` checks it.

| scenario | host | implementation | what it shows | filter | in runs with |
|---|---|---|---|---|---|
`)
	for _, name := range c.Names() {
		p, err := catalogue.ReadPlan(files, name)
		if err != nil {
			return err
		}
		for _, t := range p.Tells {
			var when []string
			for _, key := range slices.Sorted(maps.Keys(t.When)) {
				when = append(when, "`"+key+"="+t.When[key]+"`")
			}
			fmt.Fprintf(&b, "| [%s](scenarios/%s.md) | %s | %s | %s | `%s` | %s |\n", name, name, t.Host, t.Implementation, t.Shows,
				strings.ReplaceAll(t.Frames, "|", "\\|"), strings.Join(when, ", "))
		}
	}
	out["docs/implementations.md"] = b.Bytes()
	return nil
}
