package image

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
)

// recipeFile is the content of image.yaml as it is written.
type recipeFile struct {
	About     strictyaml.Text   `yaml:"about"`
	Bootstrap strictyaml.Text   `yaml:"bootstrap"`
	From      strictyaml.Text   `yaml:"from"`
	OCI       strictyaml.Text   `yaml:"oci"`
	Run       strictyaml.Text   `yaml:"run"`
	Debconf   []strictyaml.Text `yaml:"debconf"`
	Packages  []strictyaml.Text `yaml:"packages"`
	Backports []strictyaml.Text `yaml:"backports"`
	Without   []strictyaml.Text `yaml:"without"`
	Remove    []strictyaml.Text `yaml:"remove"`
	Files     []fileEntry       `yaml:"files"`

	Releases map[string]otherFile `yaml:"releases"`
}

// fileEntry is a file of a recipe as it is written.
type fileEntry struct {
	Path      strictyaml.Text `yaml:"path"`
	Owner     strictyaml.Text `yaml:"owner"`
	Text      strictyaml.Text `yaml:"text"`
	Source    strictyaml.Text `yaml:"source"`
	Symlink   strictyaml.Text `yaml:"symlink"`
	Mode      strictyaml.Text `yaml:"mode"`
	Directory bool            `yaml:"directory"`

	At problem.Position `yaml:"-"`
}

// parseRecipe reads one image.yaml. Every error starts with the file and the line.
func parseRecipe(file, name string, dir source, text io.Reader) (*Recipe, error) {
	data, err := io.ReadAll(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	ps := &problem.List{}
	r := &Recipe{Name: name, file: file, dir: dir, lines: map[string]int{}}
	content := strictyaml.Parse(file, data, ps)
	if content == nil {
		return nil, ps.Err()
	}
	for i := 0; i+1 < len(content.Content); i += 2 {
		r.lines[content.Content[i].Value] = content.Content[i].Line
	}
	var f recipeFile
	strictyaml.ReadNode(file, 0, content, &f, ps)
	r.About, r.Bootstrap, r.From, r.OCI, r.Run = f.About.Text, f.Bootstrap.Text, f.From.Text, f.OCI.Text, f.Run.Text
	r.Debconf, r.Packages = r.list("debconf", f.Debconf), r.list("packages", f.Packages)
	r.Backports = r.list("backports", f.Backports)
	r.Without, r.Remove = r.list("without", f.Without), r.list("remove", f.Remove)
	for i, e := range f.Files {
		r.lines[fmt.Sprintf("files/%d", i)] = e.At.Line
		r.Files = append(r.Files, File{
			Path: e.Path.Text, Owner: e.Owner.Text, Text: e.Text.Text, Source: e.Source.Text, Symlink: e.Symlink.Text,
			Mode: mode(e.Mode, ps), Directory: e.Directory,
		})
	}
	r.readReleases(f.Releases, ps)
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return r, r.check()
}

// list gives the texts of a list, and notes where each is first written.
func (r *Recipe) list(field string, items []strictyaml.Text) []string {
	var list []string
	for _, item := range items {
		if _, known := r.lines[field+"/"+item.Text]; !known {
			r.lines[field+"/"+item.Text] = item.At.Line
		}
		list = append(list, item.Text)
	}
	return list
}

// mode reads permission bits, which are octal with or without a leading 0.
func mode(t strictyaml.Text, ps *problem.List) uint32 {
	if !t.Set() {
		return 0
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(t.Text, "0o"), 8, 12)
	if err != nil {
		ps.Add(t.At, "mode", t.Text, "must be an octal number such as 0644")
	}
	return uint32(bits)
}
