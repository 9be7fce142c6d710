package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxManifest is how long a manifest may be, bytes.
const maxManifest = 16 << 20

// Manifest says what an ONNX file needs that is not in it: which numbers, in which order and scaling, and what its
// output means. It stands beside the file: MODEL.json or MODEL.yaml for MODEL.onnx.
type Manifest struct {
	Description
	Direction string `json:"direction,omitempty"` // which scores attacks have: "higher" (usual) or "lower"

	Scaler   *Scaler  `json:"scaler,omitempty"`   // of the columns; nil: numbers as they are
	Missing  float64  `json:"missing,omitempty"`  // stands for what is no number, before scaling
	Infinite *float64 `json:"infinite,omitempty"` // stands for infinities, before scaling; nil: Missing does

	Input       string `json:"input,omitempty"`        // by name; "" when there is one
	Output      string `json:"output,omitempty"`       // by name; "" is the last one of numbers
	StepOutput  string `json:"step_output,omitempty"`  // packets: an output with a score for each step
	Class       *int   `json:"class,omitempty"`        // column of the output that is the attack's; nil: the last of one or two
	BenignClass *int   `json:"benign_class,omitempty"` // instead: the score is 1 less this column
	Activation  string `json:"activation,omitempty"`   // of the output: "" (none), "sigmoid", "softmax"
	Length      int    `json:"length,omitempty"`       // packets: steps of the input, filled with zeros; 0: as many as there are
	Padding     string `json:"padding,omitempty"`      // where zeros are filled in: "right" (usual) or "left"
	SHA256      string `json:"sha256,omitempty"`       // of the ONNX file
}

// Scaler makes (x - centre) / scale of each column: scikit-learn's RobustScaler (center_, scale_), StandardScaler
// (mean_, scale_), and any other linear one.
type Scaler struct {
	Kind   string    `json:"kind,omitempty"` // "robust", "standard", "minmax": for people
	Centre []float64 `json:"centre,omitempty"`
	Center []float64 `json:"center,omitempty"` // the same
	Mean   []float64 `json:"mean,omitempty"`   // the same
	Scale  []float64 `json:"scale,omitempty"`
	Clip   []float64 `json:"clip,omitempty"` // lowest and highest scaled value
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
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxManifest {
		return nil, fmt.Errorf("%s has %d bytes: a manifest has at most %d", path, info.Size(), maxManifest)
	}
	text, err := os.ReadFile(path)
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

// check puts the scaler's centre under one name, and finds lengths that do not fit and impossible numbers.
func (s *Scaler) check(columns []string) error {
	if s == nil {
		return nil
	}
	for _, other := range [][]float64{s.Center, s.Mean} {
		if s.Centre != nil && other != nil {
			return errors.New("scaler: centre, center and mean are the same: give one")
		}
		if s.Centre == nil {
			s.Centre = other
		}
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
				return fmt.Errorf("scaler.%s: number %d (%s) is %v", name, i+1, columns[i], x)
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
			x = m.Missing
		case math.IsInf(x, 0):
			x = m.Missing
			if m.Infinite != nil {
				x = *m.Infinite
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
