package record

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"detgen/internal/docs"
	"detgen/internal/markdown"
)

func TestFieldsOfRunJSONAreDocumented(t *testing.T) {
	comments := fieldComments(t, ".")
	var b strings.Builder
	done := map[reflect.Type]bool{}
	queue := []reflect.Type{reflect.TypeFor[Record]()}
	for len(queue) > 0 {
		kind := queue[0]
		queue = queue[1:]
		if done[kind] {
			continue
		}
		done[kind] = true
		fmt.Fprintf(&b, "%s\n", markdown.Paragraph("**"+kind.Name()+"** "+comments[kind.Name()]))
		for i := range kind.NumField() {
			f := kind.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			text, inner := jsonType(f.Type)
			if inner != nil {
				queue = append(queue, inner)
			}
			item := fmt.Sprintf("`%s` (%s)", name, text)
			if comment := comments[kind.Name()+"."+f.Name]; comment != "" {
				item += ": " + comment
			}
			b.WriteString(markdown.Item("", item))
		}
		b.WriteString("\n")
	}
	docs.Compare(t, "../docs/run-directory.md", "fields", b.String())
}

// jsonType names a type as it is in JSON, and gives the struct of this project in it, if there is one.
func jsonType(kind reflect.Type) (name string, inner reflect.Type) {
	switch kind.String() {
	case "time.Time":
		return "time", nil
	case "record.Duration":
		return "duration", nil
	case "netip.Prefix", "netip.Addr", "netip.AddrPort":
		return "address", nil
	}
	switch kind.Kind() {
	case reflect.Pointer:
		return jsonType(kind.Elem())
	case reflect.Slice, reflect.Array:
		name, inner := jsonType(kind.Elem())
		return "list of " + name, inner
	case reflect.Map:
		name, inner := jsonType(kind.Elem())
		return "object of " + name, inner
	case reflect.Struct:
		return kind.Name(), kind
	case reflect.String:
		return "text", nil
	case reflect.Bool:
		return "boolean", nil
	case reflect.Float64:
		return "number", nil
	}
	return "integer", nil
}

// fieldComments reads the comments of a package's types ("Type") and their fields ("Type.Field").
func fieldComments(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	flat := func(groups ...*ast.CommentGroup) string {
		var parts []string
		for _, g := range groups {
			if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.NewReplacer("<", "&lt;").Replace(strings.Join(parts, " "))
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			declaration, ok := n.(*ast.GenDecl)
			if !ok || declaration.Tok != token.TYPE {
				return true
			}
			for _, s := range declaration.Specs {
				spec := s.(*ast.TypeSpec)
				doc := flat(declaration.Doc, spec.Doc)
				doc = strings.TrimPrefix(doc, spec.Name.Name+" ")
				comments[spec.Name.Name] = doc
				if body, ok := spec.Type.(*ast.StructType); ok {
					for _, f := range body.Fields.List {
						for _, name := range f.Names {
							comments[spec.Name.Name+"."+name.Name] = flat(f.Doc, f.Comment)
						}
					}
				}
			}
			return true
		})
	}
	return comments
}
