package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"detgen/internal/beneath"
)

// ONNXProgram is the program that runs ONNX files. It stands beside this one.
const ONNXProgram = "detgen-onnx"

// Variables of the environment.
const (
	runtimeVariable = "ONNXRUNTIME_LIB" // path of ONNX Runtime's library
	programVariable = "DETGEN_ONNX"     // path of ONNXProgram
)

// onnxModel is an ONNX file that its own program runs, as a command does.
type onnxModel struct{ *command }

func openONNX(path string, o Options) (Model, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	name, err := FindManifest(path)
	if err != nil {
		return nil, err
	}
	m, err := ReadManifest(name)
	if err != nil {
		return nil, err
	}
	hash, err := hashFiles(m.SHA256, path, name)
	if err != nil {
		return nil, err
	}
	library, err := FindRuntime(o.Runtime)
	if err != nil {
		return nil, err
	}
	program, err := findProgram()
	if err != nil {
		return nil, err
	}
	c := &command{text: "exec " + quote(program) + " " + quote(library) + " " + quote(path) + " " + quote(name), options: o, known: true}
	if err := c.start(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.about = m.Description
	c.about.Hash, c.about.Batch = hash, usualBatch
	if c.about.Name == "" {
		c.about.Name = filepath.Base(path)
	}
	c.about.turnThreshold()
	return onnxModel{c}, nil
}

// hashFiles gives the SHA-256 of an ONNX file, its manifest and the files of its weights together; wanted is that of the
// ONNX file alone.
func hashFiles(wanted, path, manifest string) (string, error) {
	weights, err := weightFiles(path)
	if err != nil {
		return "", err
	}
	all, one := sha256.New(), sha256.New()
	for _, name := range slices.Concat([]string{path, manifest}, weights) {
		f, err := beneath.OpenNamed(name)
		if err != nil {
			return "", err
		}
		to := io.Writer(all)
		if name == path {
			to = io.MultiWriter(all, one)
		}
		_, err = io.Copy(to, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	if found := hex.EncodeToString(one.Sum(nil)); wanted != "" && wanted != found {
		return "", fmt.Errorf("%s: sha256: it is for a file with %s, and %s has %s", manifest, wanted, path, found)
	}
	return hex.EncodeToString(all.Sum(nil)), nil
}

// Bounds of an ONNX file: bytes, as protocol buffers have them, and messages within each other that are looked at.
const (
	maxONNX = 2 << 30
	deepest = 100
)

// inside are the messages of an ONNX file (onnx.proto) in which there are others that lead to files of weights, by the
// numbers of their fields.
var inside = map[string]map[int]string{
	"model":     {7: "graph"},
	"graph":     {1: "node", 5: "tensor"},
	"node":      {5: "attribute"},
	"attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
	"tensor":    {13: "entry"},
	"entry":     {1: "key", 2: "value"},
}

// weightFiles lists the files beside an ONNX file that hold its weights (TensorProto.external_data), in order. They are
// part of what the model is.
func weightFiles(path string) ([]string, error) {
	text, err := beneath.ReadNamed(path, maxONNX)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	var key, value string
	depth := 0
	var walk func(kind string, text []byte)
	walk = func(kind string, text []byte) {
		if depth++; depth > deepest {
			return
		}
		defer func() { depth-- }()
		switch kind {
		case "key":
			key = string(text)
			return
		case "value":
			value = string(text)
			return
		}
		for len(text) > 0 {
			tag, n := binary.Uvarint(text)
			if n <= 0 {
				return // no such file; ONNX Runtime will say so
			}
			text = text[n:]
			var size uint64
			switch tag & 7 {
			case 0:
				_, n = binary.Uvarint(text)
				size = uint64(max(n, 0))
			case 1:
				size = 8
			case 2:
				if size, n = binary.Uvarint(text); n > 0 {
					text = text[n:]
				}
			case 5:
				size = 4
			default:
				return
			}
			if n <= 0 || size > uint64(len(text)) {
				return
			}
			if kind := inside[kind][int(tag>>3)]; kind != "" && tag&7 == 2 {
				walk(kind, text[:size])
			}
			text = text[size:]
		}
		if kind == "entry" && key == "location" {
			found[value] = true
		}
	}
	walk("model", text)
	list := slices.Sorted(maps.Keys(found))
	for i, name := range list {
		if !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%s has weights in %q, which is outside its folder", path, name)
		}
		list[i] = filepath.Join(filepath.Dir(path), name)
		if _, err := os.Stat(list[i]); err != nil {
			return nil, fmt.Errorf("%s has weights in another file: %w", path, err)
		}
	}
	return list, nil
}

// FindRuntime gives the path of ONNX Runtime's library: the given one, that of the environment, that of an installed
// Python package, or one where libraries are.
func FindRuntime(given string) (string, error) {
	if given == "" {
		given = os.Getenv(runtimeVariable)
	}
	if given != "" {
		if _, err := os.Stat(given); err != nil {
			return "", fmt.Errorf("ONNX Runtime's library: %w", err)
		}
		return given, nil
	}
	var found []string
	for _, pattern := range []string{
		"/usr/lib/*/libonnxruntime.so*", "/usr/local/lib/libonnxruntime.so*",
		"/usr/lib/python3*/*-packages/onnxruntime/capi/libonnxruntime.so*", "/usr/local/lib/python3*/*-packages/onnxruntime/capi/libonnxruntime.so*",
		filepath.Join(os.Getenv("HOME"), ".local/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so*"),
		filepath.Join(os.Getenv("VIRTUAL_ENV"), "lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so*"),
	} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		found = append(found, list...)
	}
	if len(found) == 0 {
		return "", errors.New(`ONNX Runtime is not there, which runs ONNX files. Get its library, libonnxruntime.so 1.17 or later, with "pip install onnxruntime", as Debian 13's package libonnxruntime1.21, from the archive of a release (github.com/microsoft/onnxruntime), or with scripts/onnxruntime; when it is not found by itself, name it with --onnxruntime or ` + runtimeVariable)
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

// findProgram gives the path of ONNXProgram.
func findProgram() (string, error) {
	if given := os.Getenv(programVariable); given != "" {
		return given, nil
	}
	own, err := os.Executable()
	if err == nil {
		beside := filepath.Join(filepath.Dir(own), ONNXProgram)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath(ONNXProgram)
	if err != nil {
		return "", fmt.Errorf("the program %s, which runs ONNX files, is not beside this one: \"make build\" makes it; %s names another place", ONNXProgram, programVariable)
	}
	return path, nil
}
