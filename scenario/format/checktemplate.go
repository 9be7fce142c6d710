package format

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"detgen/internal/problem"
)

// checkTemplates parses every template of the scenario's own file, so that a wrong one is found
// even in a task that nobody runs.
func (s *Scenario) checkTemplates(ps *problem.List) {
	walkTexts(reflect.ValueOf(s).Elem(), "", func(t Text, field string) {
		text := t.Text
		if path.Ext(field) == ".when" {
			text = "{{if " + text + "}}{{end}}"
		}
		if t.At.File != s.Folder.Path("scenario.yaml") || !IsTemplate(text) {
			return
		}
		if _, err := ParseTemplate(t.At, field, text, Functions{}); err != nil {
			ps.Wrap(t.At, field, t.Text, err)
		}
	})
}

// walkTexts visits every Text below v, with its field.
func walkTexts(v reflect.Value, field string, visit func(t Text, field string)) {
	if !v.IsValid() || !v.CanInterface() {
		return
	}
	if t, ok := v.Interface().(Text); ok {
		if t.Set() {
			visit(t, field)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkTexts(v.Elem(), field, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if name == "-" {
				continue
			}
			inner := field
			if name != "" {
				inner = problem.Join(field, name)
			}
			walkTexts(v.Field(i), inner, visit)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			walkTexts(v.MapIndex(k), problem.Join(field, k.String()), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkTexts(v.Index(i), fmt.Sprintf("%s[%d]", field, i), visit)
		}
	}
}
