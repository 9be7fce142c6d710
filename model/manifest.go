package model

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/beneath"

	"go.yaml.in/yaml/v3"
)

// maxManifest is how long a manifest may be, bytes.
const maxManifest = 16 << 20

// Manifest says what an ONNX file needs that is not in it: which numbers, in which order and scaling, and what its
// output means. It stands beside the file: MODEL.json or MODEL.yaml for MODEL.onnx.
type Manifest struct {
	Description
	Direction string `json:"direction,omitempty"` // which scores attacks have: "higher" (usual) or "lower"

	Scaler   *Scaler `json:"scaler,omitempty"`   // of the columns; nil: numbers as they are
	Missing  Filler  `json:"missing,omitempty"`  // stands for what is no number, before scaling
	Infinite *Filler `json:"infinite,omitempty"` // stands for infinities, before scaling; nil: Missing does

	Input       string `json:"input,omitempty"`        // by name; "" when there is one
	Output      string `json:"output,omitempty"`       // by name; "" is the only one of real numbers
	StepOutput  string `json:"step_output,omitempty"`  // packets: an output with a score for each step
	Class       *Class `json:"class,omitempty"`        // column of the output that is the attack's; nil: the last of one or two
	BenignClass *Class `json:"benign_class,omitempty"` // instead: the score is 1 less this column
	Activation  string `json:"activation,omitempty"`   // of the output: "" (none), "sigmoid", "softmax"
	Length      int    `json:"length,omitempty"`       // packets: steps of the input, filled with zeros; 0: as many as there are
	Padding     string `json:"padding,omitempty"`      // where zeros are filled in: "right" (usual) or "left"
	SHA256      string `json:"sha256,omitempty"`       // of the ONNX file
}

// Filler is a number that stands for what is none, or NaN for models that know what to do with it ("nan" in JSON).
type Filler float64

// UnmarshalJSON reads a number or "nan".
func (f *Filler) UnmarshalJSON(text []byte) error {
	if string(text) == `"nan"` {
		*f = Filler(math.NaN())
		return nil
	}
	if err := json.Unmarshal(text, (*float64)(f)); err != nil {
		return fmt.Errorf(`missing, infinite: %s is neither a number nor "nan"`, text)
	}
	return nil
}

// MarshalJSON writes what UnmarshalJSON reads.
func (f Filler) MarshalJSON() ([]byte, error) {
	if f != f {
		return []byte(`"nan"`), nil
	}
	return json.Marshal(float64(f))
}

// Class is a class of an output: a column, or a label where columns have some, or the label itself where that is the
// output.
type Class struct {
	Column int
	Label  string // "" for a number
}

// Text gives the class as a label.
func (c *Class) Text() string {
	if c.Label != "" {
		return c.Label
	}
	return strconv.Itoa(c.Column)
}

// UnmarshalJSON reads a number or a text.
func (c *Class) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &c.Column) == nil || json.Unmarshal(text, &c.Label) == nil && c.Label != "" {
		return nil
	}
	return fmt.Errorf("class: %s is neither the number of a column nor a label", text)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (c Class) MarshalJSON() ([]byte, error) {
	if c.Label != "" {
		return json.Marshal(c.Label)
	}
	return json.Marshal(c.Column)
}

// Scaler makes (x - centre) / scale of each column: scikit-learn's RobustScaler (center_, scale_), StandardScaler
// (mean_, scale_), and any other linear one.
type Scaler struct {
	Kind   string    `json:"kind,omitempty"` // "robust", "standard", "minmax": for people
	Centre []float64 `json:"centre,omitempty"`
	Scale  []float64 `json:"scale,omitempty"`
	Clip   []float64 `json:"clip,omitempty"` // lowest and highest scaled value
}

// scalerNames are other names of a scaler's fields, as scikit-learn and people have them, without underscores behind.
var scalerNames = map[string]string{
	"center": "centre", "mean": "centre", "median": "centre", "data_min": "centre",
	"std": "scale", "iqr": "scale", "data_range": "scale",
}

// UnmarshalJSON reads a scaler whose fields have any of their names.
func (s *Scaler) UnmarshalJSON(text []byte) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return fmt.Errorf("scaler: %w", err)
	}
	_, lowest := given["min_"]
	_, least := given["data_min_"]
	if _, multiplies := given["scale_"]; multiplies && (lowest || least) {
		return errors.New("scaler: scikit-learn's MinMaxScaler multiplies by scale_: give data_min_ and data_range_")
	}
	fields := map[string]any{"kind": &s.Kind, "centre": &s.Centre, "scale": &s.Scale, "clip": &s.Clip}
	from := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		field := strings.TrimSuffix(name, "_")
		field = cmp.Or(scalerNames[field], field)
		to, ok := fields[field]
		if !ok {
			return fmt.Errorf("scaler: unknown field %q: it has kind, centre, scale and clip", name)
		}
		if other, twice := from[field]; twice {
			return fmt.Errorf("scaler: %s and %s are the same: give one", other, name)
		}
		from[field] = name
		if err := json.Unmarshal(given[name], to); err != nil {
			return fmt.Errorf("scaler.%s: %w", name, err)
		}
	}
	return nil
}

// FindManifest gives the path of an ONNX file's manifest.
func FindManifest(path string) (string, error) {
	base := strings.TrimSuffix(path, filepath.Ext(path))
	for _, name := range []string{base + ".json", base + ".yaml", base + ".yml", path + ".json"} {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s has no manifest: write %s.json with its columns, scaler and class (docs/models.md, \"ONNX\")", path, base)
}

// ReadManifest reads the manifest of an ONNX file, and checks what can be checked without running it.
func ReadManifest(path string) (*Manifest, error) {
	text, err := beneath.ReadNamed(path, maxManifest)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := m.decode(path, text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// decode reads JSON or YAML.
func (m *Manifest) decode(path string, text []byte) error {
	if filepath.Ext(path) != ".json" {
		var v any
		if err := yaml.Unmarshal(text, &v); err != nil {
			return err
		}
		var err error
		if text, err = json.Marshal(v); err != nil {
			return err
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return fmt.Errorf("%w (docs/models.md lists the fields)", err)
	}
	return nil
}

func (m *Manifest) check() error {
	if m.Kind == "" {
		m.Kind = Flows
	}
	switch {
	case m.Kind != Flows && m.Kind != Packets && m.Kind != Sessions:
		return fmt.Errorf("kind: an ONNX file takes flow, packets or session, not %q", m.Kind)
	case m.Direction == "lower":
		m.Lower = true
	case m.Direction != "" && m.Direction != "higher":
		return fmt.Errorf(`direction: %q is not "higher" or "lower"`, m.Direction)
	}
	if err := m.validate(); err != nil {
		return err
	}
	switch {
	case m.Class != nil && m.BenignClass != nil:
		return errors.New("class and benign_class exclude each other")
	case !slices.Contains([]string{"", "sigmoid", "softmax"}, m.Activation):
		return fmt.Errorf("activation: %q is not sigmoid or softmax", m.Activation)
	case !slices.Contains([]string{"", "right", "left"}, m.Padding):
		return fmt.Errorf("padding: %q is not right or left", m.Padding)
	case m.Length < 0:
		return fmt.Errorf("length: %d is not 0 or more", m.Length)
	}
	if m.Length > 0 {
		m.MaxSteps = m.Length
	}
	m.StepScores = m.StepOutput != ""
	return m.Scaler.check(m.Columns)
}

// check finds lengths that do not fit and impossible numbers.
func (s *Scaler) check(columns []string) error {
	if s == nil {
		return nil
	}
	if s.Centre == nil && s.Scale == nil {
		return errors.New("scaler: it has neither centre nor scale")
	}
	if s.Clip != nil && (len(s.Clip) != 2 || !(s.Clip[0] < s.Clip[1])) {
		return fmt.Errorf("scaler.clip: %v: want the lowest and the highest value", s.Clip)
	}
	for name, list := range map[string][]float64{"centre": s.Centre, "scale": s.Scale} {
		if list != nil && len(list) != len(columns) {
			return fmt.Errorf("scaler.%s: it has %d numbers for %d columns", name, len(list), len(columns))
		}
		for i, x := range list {
			if math.IsNaN(x) || math.IsInf(x, 0) || name == "scale" && x == 0 {
				return fmt.Errorf("scaler.%s: number %d (%s) is %v%s", name, i+1, columns[i], x, map[bool]string{true: ": a column that never varied has 1 in scikit-learn"}[x == 0])
			}
		}
	}
	return nil
}

// Scale gives a row as the model wants it: what is no number replaced, then scaled.
func (m *Manifest) Scale(row []float64) []float64 {
	out := make([]float64, len(row))
	for i, x := range row {
		switch {
		case math.IsNaN(x):
			x = float64(m.Missing)
		case math.IsInf(x, 0):
			x = float64(m.Missing)
			if m.Infinite != nil {
				x = float64(*m.Infinite)
			}
		}
		if s := m.Scaler; s != nil {
			if s.Centre != nil {
				x -= s.Centre[i]
			}
			if s.Scale != nil {
				x /= s.Scale[i]
			}
			if s.Clip != nil {
				x = min(max(x, s.Clip[0]), s.Clip[1])
			}
		}
		out[i] = x
	}
	return out
}
