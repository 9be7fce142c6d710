package resolve

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"detgen/internal/beneath"
	"detgen/internal/problem"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/value"
	"detgen/seed"
)

var drawCall = regexp.MustCompile(`^~\s*[a-z]+\(`)

// evaluation names a setting that has been evaluated.
type evaluation struct {
	layer int
	key   string
}

// evaluate gives the value of a setting, given or drawn, and notes it among the run's values;
// when it is asked for again, it is the same.
func (sc *scope) evaluate(s setting) (value.Value, bool) {
	id := evaluation{s.layer, s.Text}
	if v, ok := sc.evaluated[id]; ok {
		return v, true
	}
	v, ok := sc.read(s)
	if ok {
		sc.evaluated[id] = v
	}
	return v, ok
}

// read reads or draws the value of a setting.
func (sc *scope) read(s setting) (value.Value, bool) {
	text := s.value
	if format.IsTemplate(text) && s.layer != userLayer {
		rendered, err := sc.text(format.Text{Text: text, At: s.at}, s.field)
		if err != nil {
			sc.problems.Wrap(s.at, s.field, text, err)
			return value.Value{}, false
		}
		text = rendered
	}
	field := s.field
	if field == "" {
		field = s.Text
	}
	if file, ok := strings.CutPrefix(text, "@"); ok && s.Type == value.TextType && s.layer == userLayer {
		content, err := readUserFile(s.at, file)
		if err != nil {
			sc.problems.Add(s.at, field, text, "%v", err)
			return value.Value{}, false
		}
		text = content
	}
	isText := s.Type == value.String || s.Type == value.TextType
	if text == "~" || drawCall.MatchString(text) || !isText && strings.HasPrefix(text, "~") {
		return sc.draw(s, strings.TrimSpace(text[1:]), field)
	}
	if need := s.needs[text]; need != nil && !slices.Contains(s.Values, text) {
		sc.problems.Add(s.at, field, text, "is not possible here: %s", need.Because.Text)
		s.Values = append(s.Values, text) // for what refers to it, which is not at fault
	}
	v, err := s.Parse(text)
	if err != nil {
		sc.problems.Add(s.at, field, text, "%v", err)
		return v, false
	}
	sc.note(record.Value{Name: sc.named(s.Text), Value: v.String(), Origin: s.origin()})
	return v, true
}

// draw takes a value from a law ("": the definition's own) in the stream called after the key.
func (sc *scope) draw(s setting, lawText, field string) (value.Value, bool) {
	if s.Type == value.Choice && len(s.Values) == 0 {
		for _, v := range sortedKeys(s.needs) {
			sc.problems.Add(s.at, field, "~", "is not possible here: %s", s.needs[v].Because.Text)
			return value.Value{}, false
		}
	}
	var err error
	if lawText == "" {
		if lawText, err = s.LawText(); err != nil {
			sc.problems.Add(s.at, field, "~", "%v", err)
			return value.Value{}, false
		}
	}
	law, err := value.ParseLaw(s.Type, lawText)
	if err != nil {
		sc.problems.Add(s.at, field, "~"+lawText, "%v", err)
		return value.Value{}, false
	}
	lo, hi := s.Bounds()
	name := sc.named(s.Text)
	v, err := law.Draw(seed.Stream(sc.seed, name), lo, hi)
	if err == nil {
		err = s.Allow(v)
	}
	if err != nil {
		sc.problems.Add(s.at, field, "~"+lawText, "%v", err)
		return value.Value{}, false
	}
	v = v.Rounded()
	sc.note(record.Value{Name: name, Value: v.String(), Origin: record.Drawn, Law: lawText})
	return v, true
}

// maxUserFile bounds what "@FILE" reads, because the run keeps it.
const maxUserFile = 10 << 20

// readUserFile reads the file that a user named: from the spec's folder, or, from the command
// line, the current one.
func readUserFile(at problem.Position, name string) (string, error) {
	if at.Line > 0 && !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(at.File), name)
	}
	content, err := beneath.ReadNamed(name, maxUserFile)
	return string(content), err
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
