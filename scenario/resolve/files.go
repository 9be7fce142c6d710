package resolve

import (
	"encoding/base64"
	"path"
	"slices"
	"strconv"
	"unicode/utf8"

	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/value"
	"detgen/seed"
)

// files renders a file; a tree is several.
func (sc *scope) files(p *part, f *format.File, field string) []record.File {
	out := record.File{Path: sc.must(f.Path, field+".path"), Owner: sc.must(f.Owner, field+".owner"), Directory: f.Directory}
	if !path.IsAbs(out.Path) || path.Clean(out.Path) != out.Path || out.Path == "/" {
		sc.problems.Add(f.Path.At, field+".path", out.Path, "must be an absolute path without . and .. in it")
		return nil
	}
	if f.Mode.Set() {
		mode, err := strconv.ParseUint(sc.must(f.Mode, field+".mode"), 8, 12)
		if err != nil {
			sc.problems.Add(f.Mode.At, field+".mode", f.Mode.Text, "must be permission bits in octal, quoted: \"0644\"")
		}
		out.Mode = uint32(mode)
	}
	switch {
	case f.Template.Set():
		data, err := p.declared.Folder.ReadFile(field+".template", f.Template)
		sc.report(err, f.Template, field+".template")
		at := problem.Position{File: p.declared.Folder.Path(f.Template.Text), Line: 1}
		out.Text = sc.must(format.Text{Text: string(data), At: at}, "")
	case f.Copy.Set():
		data, err := p.declared.Folder.ReadFile(field+".copy", f.Copy)
		sc.report(err, f.Copy, field+".copy")
		if utf8.Valid(data) {
			out.Text = string(data)
		} else {
			out.Base64 = base64.StdEncoding.EncodeToString(data)
		}
	case f.Text.Set():
		out.Text = sc.must(f.Text, field+".text")
	case f.Base64.Set():
		out.Base64 = sc.must(f.Base64, field+".base64")
		if _, err := base64.StdEncoding.DecodeString(out.Base64); err != nil {
			sc.problems.Add(f.Base64.At, field+".base64", "", "must be base64: %v", err)
		}
	case f.Generate != nil:
		out.Generate = sc.generate(p, f.Generate, out.Path, field+".generate")
	case f.Symlink.Set():
		out.Symlink = sc.must(f.Symlink, field+".symlink")
	case f.Tree.Set():
		return sc.tree(f, out, field)
	}
	return []record.File{out}
}

// tree gives the files of a made thing, below a path.
func (sc *scope) tree(f *format.File, base record.File, field string) []record.File {
	name := sc.must(f.Tree, field+".tree")
	made, err := sc.made.part(name, "files")
	if err != nil {
		sc.problems.Wrap(f.Tree.At, field+".tree", name, err)
		return nil
	}
	files := slices.Clone(made.([]record.File))
	for i := range files {
		files[i].Path = path.Join(base.Path, files[i].Path)
		files[i].Mode, files[i].Owner = base.Mode, base.Owner
	}
	return files
}

func (sc *scope) generate(p *part, g *format.Generate, path, field string) *record.Generate {
	kind := sc.must(g.Kind, field+".kind")
	if !slices.Contains(record.Kinds, kind) {
		sc.problems.Add(g.Kind.At, field+".kind", kind, "no such kind: %s", problem.Nearest(kind, record.Kinds))
	}
	size, err := sc.bounded(value.Definition{Type: value.Bytes}, g.Size, field+".size", "0B")
	sc.report(err, g.Size, field+".size")
	name := "file." + p.Name + "." + path
	if g.Name.Set() {
		name = sc.stream("file." + sc.must(g.Name, field+".name"))
	}
	return &record.Generate{Kind: kind, Seed: seed.Derive(sc.seed, name), Size: int64(size.Number())}
}
