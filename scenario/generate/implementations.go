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
	"detgen/internal/markdown"
	"detgen/scenario"
)

// implementations writes the list of what each implementation puts on the wire that the others
// do not. The test of the catalogue checks every row.
func implementations(root string, out map[string][]byte) error {
	files := os.DirFS(filepath.Join(root, "catalogue"))
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: files})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString(`# What tells implementations apart

Made from the test.yaml of each scenario by ` + "`go generate ./scenario`" + `. Each item has a display filter of tshark
that matches frames of runs with that implementation and none of runs with another; ` + "`make test-catalogue`" + `
checks it.
`)
	for _, name := range c.Names() {
		p, err := catalogue.ReadPlan(files, name)
		if err != nil {
			return err
		}
		if len(p.Tells) > 0 {
			fmt.Fprintf(&b, "\n## [%s](scenarios/%s.md)\n\n", name, name)
		}
		for _, t := range p.Tells {
			var when []string
			for _, key := range slices.Sorted(maps.Keys(t.When)) {
				when = append(when, "`"+key+"="+t.When[key]+"`")
			}
			text := fmt.Sprintf("%s of %s: %s: `%s`", t.Implementation, t.Host, t.Shows, t.Frames)
			if len(when) > 0 {
				text += ", in runs with " + strings.Join(when, ", ")
			}
			b.WriteString(markdown.Item("", text))
		}
	}
	out["docs/implementations.md"] = b.Bytes()
	return nil
}
