package main

import (
	"bytes"
	"os"
	"path/filepath"

	"detgen/scenario"
	"detgen/scenario/format"
	"detgen/scenario/page"
)

// pages writes a page for each scenario of the catalogue, and the index.
func pages(root string, out map[string][]byte) error {
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: os.DirFS(filepath.Join(root, "catalogue"))})
	if err != nil {
		return err
	}
	var all []*format.About
	for _, name := range c.Names() {
		s, err := c.Scenario(name)
		if err != nil {
			return err
		}
		about := s.About()
		all = append(all, about)
		var b bytes.Buffer
		if err := page.Markdown(&b, about); err != nil {
			return err
		}
		out[pagesFolder+"/"+name+".md"] = b.Bytes()
	}
	var b bytes.Buffer
	if err := page.Index(&b, all); err != nil {
		return err
	}
	out[pagesFolder+"/README.md"] = b.Bytes()
	return nil
}
