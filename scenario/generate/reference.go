package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"detgen/internal/markdown"
	"detgen/scenario/format"
	"detgen/scenario/spec"

	"github.com/invopop/jsonschema"
)

// reference writes the reference of the format and the tables of the spec's.
func reference(root string, out map[string][]byte) error {
	scenario, err := schema(root, &format.Scenario{})
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("# The format of scenario.yaml\n\nMade from the types in `scenario/` by `go generate ./scenario`. How the parts play together, with examples:\n[adding-a-scenario.md](adding-a-scenario.md).\n")
	fields(&b, "scenario.yaml", scenario)
	for _, name := range []string{
		"Parameter", "Limit", "Host", "Implementation", "File", "Generate", "User", "Service", "Ready", "Task", "Variant", "Made",
		"Authority", "Certificate", "SSHKey", "Table", "Column", "Site",
	} {
		d, ok := scenario.Definitions[name]
		if !ok {
			return fmt.Errorf("the schema has no %s", name)
		}
		fields(&b, name, d)
	}
	script, err := schema(root, &format.Script{})
	if err != nil {
		return err
	}
	fields(&b, "Script", script)
	out["docs/scenario-format.md"] = []byte(b.String())
	return specLists(root, out)
}

// fields writes a list of a type's fields.
func fields(b *strings.Builder, name string, s *jsonschema.Schema) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", name, markdown.Paragraph(s.Description))
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		required := ""
		for _, r := range s.Required {
			if r == p.Key {
				required = " (required)"
			}
		}
		b.WriteString(markdown.Item("", fmt.Sprintf("`%s`%s, %s: %s", p.Key, required, kind(p.Value), p.Value.Description)))
	}
}

// kind says in words what a schema takes.
func kind(s *jsonschema.Schema) string {
	switch {
	case s.Ref != "":
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	case len(s.Enum) > 0:
		var values []string
		for _, v := range s.Enum {
			values = append(values, fmt.Sprint(v))
		}
		return strings.Join(values, ", ")
	case s.Type == "array":
		return "list of " + kind(s.Items)
	case s.Type == "object" && s.AdditionalProperties != nil:
		return "NAME: " + kind(s.AdditionalProperties)
	case s.Type == "object":
		return "KEY: value"
	case len(s.OneOf) == 3:
		return "text"
	case len(s.OneOf) == 2 && s.OneOf[1].Type == "array":
		return "text, or list of text"
	case len(s.OneOf) == 2 && s.OneOf[1].Required[0] == "name":
		return "text, or `{name: NAME, tap: true}`"
	case len(s.OneOf) == 2:
		return "a file, or [fields](#script)"
	case s.Type == "boolean":
		return "true or false"
	case s.Type == "integer":
		return "whole number"
	}
	return "text"
}

// specTables replaces the lists of docs/spec.md, each between the lines <!-- NAME --> and <!-- end -->.
func specLists(root string, out map[string][]byte) error {
	const path = "docs/spec.md"
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return err
	}
	s, err := schema(root, &spec.Spec{})
	if err != nil {
		return err
	}
	lists := map[string]string{}
	var b strings.Builder
	fields(&b, "The file", s)
	for _, name := range []string{"Background", "Schedule", "Poisson"} {
		fields(&b, name, s.Definitions[name])
	}
	lists["fields"] = b.String()
	for prefix, keys := range spec.Keys() {
		b.Reset()
		b.WriteString("\n")
		full := prefix
		if full != "" {
			full += "."
		}
		for _, k := range keys {
			text := fmt.Sprintf("`%s%s`, %s: %s", full, k.Name, k.How, k.Doc)
			if k.Default != "" {
				text += "; without it " + k.Default
			}
			if k.Law != "" {
				text += "; `~` draws by " + k.Law
			}
			b.WriteString(markdown.Item("", text))
		}
		b.WriteString("\n")
		lists["keys "+prefix] = b.String()
	}
	for name, list := range lists {
		start, end := []byte("<!-- "+name+" -->\n"), []byte("<!-- end -->")
		i := bytes.Index(text, start)
		if i < 0 {
			return fmt.Errorf("%s: no line <!-- %s -->", path, name)
		}
		i += len(start)
		j := bytes.Index(text[i:], end)
		if j < 0 {
			return fmt.Errorf("%s: no <!-- end --> after <!-- %s -->", path, name)
		}
		text = append(text[:i:i], append([]byte(list), text[i+j:]...)...)
	}
	out[path] = text
	return nil
}
