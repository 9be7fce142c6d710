package image

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseRecipe reads one image.yaml. Every error starts with the file and the line.
func parseRecipe(file, name string, dir source, text io.Reader) (*Recipe, error) {
	r := &Recipe{Name: name, file: file, dir: dir, lines: map[string]int{}}
	var doc yaml.Node
	if err := yaml.NewDecoder(text).Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, r.errorf("", "the recipe is empty")
		}
		return nil, syntaxError(file, err)
	}
	p := parser{recipe: r}
	p.fields(doc.Content[0], "a recipe", map[string]func(*yaml.Node){
		"about":     p.text(&r.About, "about"),
		"bootstrap": p.text(&r.Bootstrap, "bootstrap"),
		"from":      p.text(&r.From, "from"),
		"oci":       p.text(&r.OCI, "oci"),
		"run":       p.text(&r.Run, "run"),
		"debconf":   p.list(&r.Debconf, "debconf"),
		"packages":  p.list(&r.Packages, "packages"),
		"without":   p.list(&r.Without, "without"),
		"remove":    p.list(&r.Remove, "remove"),
		"files":     p.files,
	})
	if p.err != nil {
		return nil, p.err
	}
	return r, r.check()
}

// syntaxError puts the line that the YAML reader found into the form of the other errors.
func syntaxError(file string, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if line, what, ok := strings.Cut(rest, ": "); ok {
			return fmt.Errorf("%s:%s: %s", file, line, what)
		}
	}
	return fmt.Errorf("%s:1: %s", file, message)
}

// parser fills a recipe from YAML nodes and keeps the first error.
type parser struct {
	recipe *Recipe
	line   int // of the key whose value is being read
	err    error
}

func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("%s:%d: %w", p.recipe.file, n.Line, fmt.Errorf(format, args...))
	}
}

// fields calls the function of each key of a mapping.
func (p *parser) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.fail(n, "%s is a mapping of fields", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		read, ok := known[key.Value]
		switch {
		case !ok:
			p.fail(key, "unknown field %q; %s has %s", key.Value, what, strings.Join(sortedKeys(known), ", "))
		case seen[key.Value]:
			p.fail(key, "%s: the field is set twice", key.Value)
		default:
			p.line = key.Line
			read(value)
		}
		seen[key.Value] = true
	}
}

func (p *parser) text(to *string, field string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		p.recipe.lines[field] = p.line
		*to = p.scalar(n, field)
	}
}

func (p *parser) scalar(n *yaml.Node, field string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fail(n, "%s: must be text", field)
		return ""
	}
	return n.Value
}

func (p *parser) list(to *[]string, field string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		p.recipe.lines[field] = p.line
		if n.Kind != yaml.SequenceNode {
			p.fail(n, "%s: must be a list", field)
			return
		}
		for _, item := range n.Content {
			value := p.scalar(item, field)
			if _, ok := p.recipe.lines[field+"/"+value]; !ok {
				p.recipe.lines[field+"/"+value] = item.Line
			}
			*to = append(*to, value)
		}
	}
}

func (p *parser) files(n *yaml.Node) {
	p.recipe.lines["files"] = p.line
	if n.Kind != yaml.SequenceNode {
		p.fail(n, "files: must be a list")
		return
	}
	for i, item := range n.Content {
		var f File
		p.fields(item, "a file", map[string]func(*yaml.Node){
			"path":      func(n *yaml.Node) { f.Path = p.scalar(n, "path") },
			"owner":     func(n *yaml.Node) { f.Owner = p.scalar(n, "owner") },
			"text":      func(n *yaml.Node) { f.Text = p.scalar(n, "text") },
			"source":    func(n *yaml.Node) { f.Source = p.scalar(n, "source") },
			"symlink":   func(n *yaml.Node) { f.Symlink = p.scalar(n, "symlink") },
			"mode":      func(n *yaml.Node) { f.Mode = p.mode(n) },
			"directory": func(n *yaml.Node) { f.Directory = p.yes(n) },
		})
		p.recipe.lines[fmt.Sprintf("files/%d", i)] = item.Line
		p.recipe.Files = append(p.recipe.Files, f)
	}
}

// mode reads permission bits, which are octal with or without a leading 0.
func (p *parser) mode(n *yaml.Node) uint32 {
	mode, err := strconv.ParseUint(strings.TrimPrefix(n.Value, "0o"), 8, 32)
	if err != nil {
		p.fail(n, "mode: %q is not an octal number such as 0644", n.Value)
	}
	return uint32(mode)
}

func (p *parser) yes(n *yaml.Node) bool {
	if n.Value != "true" && n.Value != "false" {
		p.fail(n, "directory: must be true or false")
	}
	return n.Value == "true"
}
