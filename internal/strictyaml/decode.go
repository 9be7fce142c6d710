// Package strictyaml reads YAML files that people write: a field that does not exist, a name
// given twice or a wrong type is a problem with its place, and the nearest valid name. Every
// file of the project that is YAML is read by it.
//
// It exists because the library's own decoder speaks of Go types, forgets lines once a value is
// decoded, and cannot name the nearest valid field.
package strictyaml

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/problem"

	"go.yaml.in/yaml/v3"
)

// Read reads one YAML document into the struct or map that out points to, by its `yaml` tags.
// What is wrong is added to ps, with file as its name. Structs with a field "At
// problem.Position" learn where they are written.
func Read(file string, data []byte, out any, ps *problem.List) {
	if n := Parse(file, data, ps); n != nil {
		ReadNode(file, 0, n, out, ps)
	}
}

// Parse gives the content of a YAML document, or nil when there is none or it exceeds the bounds of
// a file.
func Parse(file string, data []byte, ps *problem.List) *yaml.Node {
	if !checkSize(file, data, ps) {
		return nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		line, text := yamlSyntaxError(err)
		ps.Add(problem.Position{File: file, Line: line}, "", "", "not YAML: %s", text)
		return nil
	}
	if document.Kind == 0 {
		ps.Add(problem.Position{File: file}, "", "", "the file is empty")
		return nil
	}
	if at, err := bound(&document); err != nil {
		ps.Add(problem.Position{File: file, Line: at.Line, Column: at.Column}, "", "", "%v", err)
		return nil
	}
	return document.Content[0]
}

// ReadNode is Read for content that has been parsed. order is the file's among those that a
// scenario is made of (see problem.Position).
func ReadNode(file string, order int, n *yaml.Node, out any, ps *problem.List) {
	d := &Decoder{file: file, order: order, Problems: ps}
	d.Value(n, reflect.ValueOf(out).Elem(), "")
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func yamlSyntaxError(err error) (line int, text string) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	m := yamlErrorLine.FindStringSubmatch(first)
	if m == nil {
		return 0, first
	}
	line, _ = strconv.Atoi(m[1])
	return line, m[2]
}

// Decoder reads the nodes of one file.
type Decoder struct {
	file     string
	order    int
	Problems *problem.List // found so far
}

// NodeReader is a type that reads itself from a node that is no alias.
type NodeReader interface {
	ReadNode(d *Decoder, n *yaml.Node, field string)
}

// At is the place of a node.
func (d *Decoder) At(n *yaml.Node) problem.Position {
	return problem.Position{File: d.file, Line: n.Line, Column: n.Column, Order: d.order}
}

// Wrong reports a node that is not what a field takes.
func (d *Decoder) Wrong(n *yaml.Node, field, want string) {
	value := n.Value
	if n.Kind != yaml.ScalarNode {
		value = ""
		want += ", not " + kindName(n)
	}
	d.Problems.Add(d.At(n), field, value, "must be %s", want)
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

// Value reads a node into v.
func (d *Decoder) Value(n *yaml.Node, v reflect.Value, field string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch to := v.Addr().Interface().(type) {
	case NodeReader:
		to.ReadNode(d, n, field)
		return
	case *yaml.Node: // read later
		*to = *n
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.Value(n, fresh.Elem(), field)
		v.Set(fresh)
	case reflect.Struct:
		d.structure(n, v, field)
	case reflect.Map:
		d.mapping(n, v, field)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.Wrong(n, field, "a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, c := range n.Content {
			d.Value(c, v.Index(i), fmt.Sprintf("%s[%d]", field, i))
		}
	case reflect.Array:
		if n.Kind != yaml.SequenceNode || len(n.Content) != v.Len() {
			d.Wrong(n, field, fmt.Sprintf("a list of %d", v.Len()))
			return
		}
		for i, c := range n.Content {
			d.Value(c, v.Index(i), fmt.Sprintf("%s[%d]", field, i))
		}
	default:
		d.scalar(n, v, field)
	}
}

func (d *Decoder) scalar(n *yaml.Node, v reflect.Value, field string) {
	d.Problems.Place(d.At(n), field)
	var want string
	var err error
	switch v.Kind() {
	case reflect.String:
		want = "text"
		if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
			v.SetString(n.Value)
			return
		}
	case reflect.Bool:
		want = "true or false"
		var b bool
		if err = n.Decode(&b); err == nil && n.Tag == "!!bool" {
			v.SetBool(b)
			return
		}
	case reflect.Int, reflect.Int64:
		want = "a whole number"
		var i int64
		if err = n.Decode(&i); err == nil && n.Tag == "!!int" {
			v.SetInt(i)
			return
		}
	case reflect.Uint64:
		want = "a whole number from 0 to 18446744073709551615"
		var i uint64
		if err = n.Decode(&i); err == nil && n.Tag == "!!int" {
			v.SetUint(i)
			return
		}
	case reflect.Float64:
		want = "a number"
		var f float64
		if err = n.Decode(&f); err == nil && (n.Tag == "!!float" || n.Tag == "!!int") {
			v.SetFloat(f)
			return
		}
	default:
		panic("strictyaml: no rule for " + v.Type().String())
	}
	d.Wrong(n, field, want)
}

// Entries gives the pairs of a mapping whose names occur once; the others are reported.
func (d *Decoder) Entries(n *yaml.Node, field string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.Wrong(n, field, "a mapping (name: value)")
		return
	}
	first := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if line, seen := first[key.Value]; seen {
			d.Problems.Add(d.At(key), problem.Join(field, key.Value), "", "given twice (first on line %d): remove or rename one", line)
			continue
		}
		first[key.Value] = key.Line
		each(key, value)
	}
}

func (d *Decoder) mapping(n *yaml.Node, v reflect.Value, field string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.Entries(n, field, func(key, value *yaml.Node) {
		element := reflect.New(v.Type().Elem()).Elem()
		d.Value(value, element, problem.Join(field, key.Value))
		setPosition(element, d.At(key))
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	})
}

// setPosition makes the place of a named thing the place of its name, when it has a field At for it.
func setPosition(v reflect.Value, at problem.Position) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if _, text := v.Interface().(Text); text {
		return // a text's place is the place of its value
	}
	if v.Kind() == reflect.Struct {
		if f := v.FieldByName("At"); f.IsValid() && f.Type() == reflect.TypeFor[problem.Position]() {
			f.Set(reflect.ValueOf(at))
		}
	}
}

func (d *Decoder) structure(n *yaml.Node, v reflect.Value, field string) {
	fields := structFields(v.Type())
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		setPosition(v, d.At(n))
		return // "kind:" with nothing behind it: every field has its default
	}
	setPosition(v, d.At(n))
	d.Entries(n, field, func(key, value *yaml.Node) {
		index, ok := fields[key.Value]
		if !ok {
			names := make([]string, 0, len(fields))
			for name := range fields {
				names = append(names, name)
			}
			slices.Sort(names)
			d.Problems.Add(d.At(key), problem.Join(field, key.Value), "", "no such field: %s", problem.Nearest(key.Value, names))
			return
		}
		d.Value(value, v.FieldByIndex(index), problem.Join(field, key.Value))
	})
}

// structFields gives the index of every tagged field by name; embedded structs are flattened.
func structFields(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
			fields[name] = f.Index
		}
	}
	return fields
}
