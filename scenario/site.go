package scenario

import (
	"cmp"
	"math"
	"path"
	"strings"

	"detgen/record"
	"detgen/scenario/material"
	"detgen/seed"
)

// Site is pages that link to each other, in a tree, and show objects. Parts: files (for "tree"
// of a file), pages and objects (lists of paths, "/" first), bytes (of all files together).
type Site struct {
	// How many pages; a template.
	Pages Text `yaml:"pages" jsonschema:"required"`
	// How many objects each page shows: a number, or a law of whole numbers; a template.
	Objects Text `yaml:"objects"`
	// Size of a page: a size, or a law of sizes; a template. Never less than its links take.
	PageSize Text `yaml:"page_size"`
	// Size of an object: a size, or a law of sizes; a template.
	ObjectSize Text `yaml:"object_size"`
	// Addresses that the first page links to as well, a line each; a template.
	Links Text `yaml:"links"`

	At Position `yaml:"-"`
}

// Limits of what a site is, so that a law with a long tail does not fill the disk.
const (
	maxObjectsPerPage = 1000
	maxSiteFile       = 1e9
)

func (s *Site) make(r *resolver, name, field string) (map[string]any, error) {
	pages, err := r.count(s.Pages, field+".pages")
	if err != nil {
		return nil, err
	}
	perPage, err := r.valueOrLaw(Int, s.Objects, field+".objects", "0")
	if err != nil {
		return nil, err
	}
	pageSize, err := r.valueOrLaw(Bytes, s.PageSize, field+".page_size", "4kB")
	if err != nil {
		return nil, err
	}
	objectSize, err := r.valueOrLaw(Bytes, s.ObjectSize, field+".object_size", "10kB")
	if err != nil {
		return nil, err
	}
	random := seed.Stream(r.seed, r.stream("make."+name))
	draw := func(law Law, most float64) int64 {
		v, drawErr := law.Draw(random, 0, most)
		if drawErr != nil && err == nil {
			err = &Problem{At: s.At, Field: field, Value: law.String(), Message: drawErr.Error()}
		}
		return int64(v.number)
	}
	sizes := make([][]int64, pages)
	for i := range sizes {
		sizes[i] = make([]int64, draw(perPage, maxObjectsPerPage))
		for j := range sizes[i] {
			sizes[i][j] = draw(objectSize, maxSiteFile)
		}
	}
	if err != nil {
		return nil, err
	}
	links, err := r.text(s.Links, field+".links")
	if err != nil {
		return nil, err
	}
	site := material.NewSite(sizes, random)
	site.Pages[0].Elsewhere = strings.Fields(links)
	var files []record.File
	var pagePaths, objectPaths []string
	total := 0.0
	for i, p := range site.Pages {
		text := site.HTML(i, draw(pageSize, math.MaxInt32), random)
		path := p.Path
		if path == "/" {
			path = "/index.html"
		}
		files = append(files, record.File{Path: path, Text: text})
		pagePaths = append(pagePaths, p.Path)
		total += float64(len(text))
	}
	kinds := map[string]string{".jpg": record.JPEG, ".png": record.PNG}
	for _, o := range site.Objects {
		kind := cmp.Or(kinds[path.Ext(o.Path)], record.Bytes)
		files = append(files, record.File{Path: o.Path, Generate: &record.Generate{Kind: kind, Seed: seed.Derive(r.seed, r.stream("make."+name+o.Path)), Size: o.Size}})
		objectPaths = append(objectPaths, o.Path)
		total += float64(o.Size)
	}
	return map[string]any{"files": files, "pages": pagePaths, "objects": objectPaths, "bytes": number(total)}, err
}

// valueOrLaw fills in a text that is a law, or one value when it is of numbers.
func (r *resolver) valueOrLaw(typ Type, t Text, field, normal string) (Law, error) {
	s := normal
	if t.set() {
		var err error
		if s, err = r.text(t, field); err != nil {
			return Law{}, err
		}
	}
	if typ.numeric() {
		if v, err := r.value(typ, Text{Text: s, At: t.At}, field, normal); err == nil {
			s = "constant(" + v.String() + ")"
		}
	}
	law, err := ParseLaw(typ, s)
	if err != nil {
		return law, &Problem{At: t.At, Field: field, Value: s, Message: "must be a value or a law: " + err.Error()}
	}
	return law, nil
}
