package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say how a model is opened. The zero value of each field has the default that its comment names.
type Options struct {
	Timeout time.Duration // commands: for the hello line, and for each batch; 2 minutes
	Runtime string        // ONNX: path of ONNX Runtime's shared library; "" finds it
	Log     func(string)  // commands: receives a line that it prints to its error output; nil drops it

	// Image gives an image of the catalogue, for detectors that are in one; nil: there are none.
	Image func(name string) (*Image, error)
}

// Image is an image that a model runs a program of.
type Image struct {
	Layers []string // directories, the top one first
	Digest string
	Close  func() error // lets go of it
}

// Open opens the model that a text names:
//
//	scores.csv      a file of scores: columns id and score, or id, step and score
//	cmd:COMMAND     a command that speaks NDJSON over its input and output, run by the shell; with {out} in it, one that
//	                reads a file of items and writes a file of scores
//	file.onnx       an ONNX file with a manifest beside it
//	file.model      a model of this program, saved by "detgen model train"
//	lstm            a model of this program that is in it, by name: forest, lstm, kitnet, cbam
//	suricata        Suricata 7 of the image, over the captures; with options behind it: suricata:rules=FILE,view=client
//
// The caller closes it. An error tells what is wrong with the text or the file before anything is scored.
func Open(spec string, o Options) (Model, error) {
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	if spec == "" {
		return nil, errors.New(`no model is named: give a file of scores (.csv), "cmd:COMMAND", a file .onnx, a model that "detgen model train" saved, or suricata`)
	}
	for _, form := range forms {
		if form.is(spec) {
			return form.open(spec, o)
		}
	}
	if _, err := os.Stat(spec); err != nil {
		return nil, fmt.Errorf(`model %q: there is no such file, and it is not "cmd:COMMAND", suricata or one of %s`, spec, strings.Join(Builtins(), ", "))
	}
	return nil, fmt.Errorf(`model %q: its name tells no kind: give a file of scores (.csv), "cmd:COMMAND", a file .onnx, or a model that "detgen model train" saved (.model)`, spec)
}

// List is models; nil where none was named.
type List []Model

// Close closes them.
func (l List) Close() error {
	var err error
	for _, m := range l {
		if m != nil {
			err = errors.Join(err, m.Close())
		}
	}
	return err
}

// OpenAll opens several models, of which the first must be named. The caller closes them.
func OpenAll(o Options, specs ...string) (List, error) {
	list := make(List, len(specs))
	for i, spec := range specs {
		if spec == "" && i > 0 {
			continue
		}
		var err error
		if list[i], err = Open(spec, o); err != nil {
			return nil, errors.Join(err, list.Close())
		}
	}
	return list, nil
}

// forms are the ways to name a model.
var forms = []struct {
	is   func(spec string) bool
	open func(spec string, o Options) (Model, error)
}{
	{func(spec string) bool { return strings.HasPrefix(spec, commandPrefix) }, openCommand},
	{builtin, openBuiltin},
	{func(spec string) bool { return spec == suricataName || strings.HasPrefix(spec, suricataName+":") }, openSuricata},
	{func(spec string) bool { return extension(spec) == ".csv" }, openScores},
	{func(spec string) bool { return extension(spec) == ".onnx" }, openONNX},
	{func(spec string) bool { return extension(spec) == savedExtension }, openSaved},
}

func extension(path string) string { return strings.ToLower(filepath.Ext(path)) }
