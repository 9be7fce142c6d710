package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"detgen/dataset/plan"
	"detgen/internal/strictyaml"
	"detgen/scenario/format"
	"detgen/scenario/spec"
	"detgen/scenario/value"

	"github.com/invopop/jsonschema"
)

// schema makes the JSON Schema of a type from its fields and their comments.
func schema(root string, of any) (*jsonschema.Schema, error) {
	r := &jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true, FieldNameTag: "yaml",
	}
	r.Mapper = func(t reflect.Type) *jsonschema.Schema {
		if t == reflect.TypeOf(of).Elem() {
			return nil
		}
		return special(t)
	}
	comments, err := comments(filepath.Join(root, "scenario/format"), filepath.Join(root, "scenario/spec"), filepath.Join(root, "scenario/value"),
		filepath.Join(root, "dataset/plan"))
	if err != nil {
		return nil, err
	}
	r.LookupComment = func(t reflect.Type, field string) string {
		return comments[strings.TrimSuffix(t.Name()+"."+field, ".")]
	}
	s := r.Reflect(of)
	s.Version = "https://json-schema.org/draft/2020-12/schema"
	return s, nil
}

func typed(name string) *jsonschema.Schema { return &jsonschema.Schema{Type: name} }

// special gives the schemas of types that read themselves.
func special(t reflect.Type) *jsonschema.Schema {
	scalar := []*jsonschema.Schema{typed("string"), typed("number"), typed("boolean")}
	switch t {
	case reflect.TypeFor[strictyaml.Text]():
		return &jsonschema.Schema{OneOf: scalar}
	case reflect.TypeFor[format.Command]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			typed("string"), {Type: "array", Items: &jsonschema.Schema{OneOf: scalar}},
		}}
	case reflect.TypeFor[*plan.Levels](), reflect.TypeFor[plan.Levels]():
		return &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{OneOf: scalar}, Description: "The values."}
	case reflect.TypeFor[format.Network]():
		fields := jsonschema.NewProperties()
		fields.Set("name", typed("string"))
		fields.Set("tap", typed("boolean"))
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			typed("string"),
			{Type: "object", Properties: fields, Required: []string{"name"}, AdditionalProperties: jsonschema.FalseSchema},
		}}
	case reflect.TypeFor[spec.Settings]():
		return &jsonschema.Schema{Type: "object", Description: "Keys of -s, dotted or nested, and their values."}
	case reflect.TypeFor[*format.Script](), reflect.TypeFor[format.Script]():
		fields := jsonschema.NewProperties()
		fields.Set("file", typed("string"))
		fields.Set("user", typed("string"))
		fields.Set("environment", typed("object"))
		for _, label := range []string{"class", "family", "technique"} {
			fields.Set(label, typed("string"))
		}
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			typed("string"),
			{Type: "object", Properties: fields, Required: []string{"file"}, AdditionalProperties: jsonschema.FalseSchema},
		}}
	case reflect.TypeFor[value.Type]():
		types := typed("string")
		for _, name := range value.Types {
			types.Enum = append(types.Enum, name)
		}
		return types
	}
	return nil
}

func schemas(root string, out map[string][]byte) error {
	for path, of := range map[string]any{"scenario/schema.json": &format.Scenario{}, "scenario/spec-schema.json": &spec.Spec{}, "dataset/plan/schema.json": &plan.Plan{}} {
		s, err := schema(root, of)
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		out[path] = append(text, '\n')
	}
	return nil
}
