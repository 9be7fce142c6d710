package resolve

import (
	"cmp"
	"math"
	"path"
	"strconv"
	"strings"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/material"
	"detgen/scenario/value"
	"detgen/seed"
)

// perFile is about what a page or an object takes in memory and in run.json, without its content.
const perFile = 256

// Limits of what a site is, so that a law with a long tail does not fill the disk.
const (
	maxObjectsPerPage = 1000
	maxSiteFile       = 1e9
)

func (sc *scope) makeSite(s *format.Site, name, field string) (map[string]any, error) {
	n, err := sc.bounded(value.Definition{Type: value.Int, Min: "1", Max: strconv.Itoa(maxCount)}, s.Pages, field+".pages", "")
	if err != nil {
		return nil, err
	}
	pages := int(n.Number())
	perPage, err := sc.valueOrLaw(value.Int, s.Objects, field+".objects", "0")
	if err != nil {
		return nil, err
	}
	pageSize, err := sc.valueOrLaw(value.Bytes, s.PageSize, field+".page_size", "4kB")
	if err != nil {
		return nil, err
	}
	objectSize, err := sc.valueOrLaw(value.Bytes, s.ObjectSize, field+".object_size", "10kB")
	if err != nil {
		return nil, err
	}
	random := seed.Stream(sc.seed, sc.stream("make."+name))
	draw := func(law value.Law, most float64) int64 {
		v, drawErr := law.Draw(random, 0, most)
		if drawErr != nil && err == nil {
			err = &problem.Problem{At: s.At, Field: field, Value: law.String(), Message: drawErr.Error()}
		}
		return int64(v.Number())
	}
	tooMany := func(bytes int64) error {
		if wrong := sc.budget.spendMade(bytes); wrong != nil {
			return &problem.Problem{At: s.At, Field: field, Message: wrong.Error()}
		}
		return nil
	}
	sizes := make([][]int64, pages)
	for i := range sizes {
		objects := draw(perPage, maxObjectsPerPage)
		if err == nil {
			err = tooMany(perFile * (1 + objects))
		}
		if err != nil {
			return nil, err
		}
		sizes[i] = make([]int64, objects)
		for j := range sizes[i] {
			sizes[i][j] = draw(objectSize, maxSiteFile)
		}
	}
	if err != nil {
		return nil, err
	}
	links, err := sc.text(s.Links, field+".links")
	if err != nil {
		return nil, err
	}
	site := material.NewSite(sizes, random)
	site.Pages[0].Elsewhere = strings.Fields(links)
	var files []record.File
	var pagePaths, objectPaths []string
	total := 0.0
	for i, p := range site.Pages {
		size := draw(pageSize, math.MaxInt32)
		if err == nil {
			err = tooMany(size)
		}
		if err != nil {
			return nil, err
		}
		text := site.HTML(i, size, random)
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
		files = append(files, record.File{Path: o.Path, Generate: &record.Generate{Kind: kind, Seed: seed.Derive(sc.seed, sc.stream("make."+name+o.Path)), Size: o.Size}})
		objectPaths = append(objectPaths, o.Path)
		total += float64(o.Size)
	}
	return map[string]any{"files": files, "pages": pagePaths, "objects": objectPaths, "bytes": value.Decimal(total)}, err
}

// valueOrLaw fills in a text that is a law, or one value when it is of numbers.
func (sc *scope) valueOrLaw(typ value.Type, t format.Text, field, normal string) (value.Law, error) {
	s := normal
	if t.Set() {
		var err error
		if s, err = sc.text(t, field); err != nil {
			return value.Law{}, err
		}
	}
	if typ.Numeric() {
		if v, err := sc.value(typ, format.Text{Text: s, At: t.At}, field, normal); err == nil {
			s = "constant(" + v.String() + ")"
		}
	}
	law, err := value.ParseLaw(typ, s)
	if err != nil {
		return law, &problem.Problem{At: t.At, Field: field, Value: s, Message: "must be a value or a law: " + err.Error()}
	}
	return law, nil
}
