package scenario

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeYAML reads one YAML document into the struct that out points to, by its `yaml` tags,
// strictly: a field that the struct does not have, a name given twice, or a wrong type is a
// problem with its line. Structs with a field `At Position` learn where they were written.
//
// It exists because the library's own decoder speaks of Go types, stops caring about lines
// once a value is decoded, and cannot name the nearest valid field.
func decodeYAML(file string, data []byte, out any, ps *problems) {
	if n := parseYAML(file, data, ps); n != nil {
		decodeNode(file, 0, n, out, ps)
	}
}

// parseYAML gives the content of a YAML document, or nil when there is none.
func parseYAML(file string, data []byte, ps *problems) *yaml.Node {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		line, text := yamlSyntaxError(err)
		ps.add(Position{File: file, Line: line}, "", "", "not YAML: %s", text)
		return nil
	}
	if document.Kind == 0 {
		ps.add(Position{File: file}, "", "", "the file is empty")
		return nil
	}
	return document.Content[0]
}

// decodeNode is decodeYAML for content that has been parsed; order is the file's among those
// of a scenario (see Position).
func decodeNode(file string, order int, n *yaml.Node, out any, ps *problems) {
	d := &decoder{file: file, order: order, problems: ps}
	d.value(n, reflect.ValueOf(out).Elem(), "")
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

type decoder struct {
	file     string
	order    int
	problems *problems
}

// nodeReader is a type that reads itself from a node.
type nodeReader interface {
	readNode(d *decoder, n *yaml.Node, field string)
}

func (d *decoder) at(n *yaml.Node) Position {
	return Position{File: d.file, Line: n.Line, Column: n.Column, order: d.order}
}

func (d *decoder) wrong(n *yaml.Node, field, want string) {
	value := n.Value
	if n.Kind != yaml.ScalarNode {
		value = ""
		want += ", not " + kindName(n)
	}
	d.problems.add(d.at(n), field, value, "must be %s", want)
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

func (d *decoder) value(n *yaml.Node, v reflect.Value, field string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if r, ok := v.Addr().Interface().(nodeReader); ok {
		r.readNode(d, n, field)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.value(n, fresh.Elem(), field)
		v.Set(fresh)
	case reflect.Struct:
		d.structure(n, v, field)
	case reflect.Map:
		d.mapping(n, v, field)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.wrong(n, field, "a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, c := range n.Content {
			d.value(c, v.Index(i), fmt.Sprintf("%s[%d]", field, i))
		}
	default:
		d.scalar(n, v, field)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, field string) {
	d.problems.placed(d.at(n), field)
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
		panic("decodeYAML: no rule for " + v.Type().String())
	}
	d.wrong(n, field, want)
}

// entries gives the pairs of a mapping whose names occur once; the others are reported.
func (d *decoder) entries(n *yaml.Node, field string, each func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, field, "a mapping (name: value)")
		return
	}
	first := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if line, seen := first[key.Value]; seen {
			d.problems.add(d.at(key), join(field, key.Value), "", "given twice (first on line %d): remove or rename one", line)
			continue
		}
		first[key.Value] = key.Line
		each(key, value)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, field string) {
	v.Set(reflect.MakeMap(v.Type()))
	d.entries(n, field, func(key, value *yaml.Node) {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(value, element, join(field, key.Value))
		setPosition(element, d.at(key))
		v.SetMapIndex(reflect.ValueOf(key.Value), element)
	})
}

// setPosition makes the place of a named thing the place of its name, when it has a field At.
func setPosition(v reflect.Value, at Position) {
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
		if f := v.FieldByName("At"); f.IsValid() {
			f.Set(reflect.ValueOf(at))
		}
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, field string) {
	fields := structFields(v.Type())
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		setPosition(v, d.at(n))
		return // "kind:" with nothing behind it: every field has its default
	}
	setPosition(v, d.at(n))
	d.entries(n, field, func(key, value *yaml.Node) {
		index, ok := fields[key.Value]
		if !ok {
			names := make([]string, 0, len(fields))
			for name := range fields {
				names = append(names, name)
			}
			slices.Sort(names)
			d.problems.add(d.at(key), join(field, key.Value), "", "no such field: %s", nearest(key.Value, names))
			return
		}
		d.value(value, v.FieldByIndex(index), join(field, key.Value))
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

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}
