package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// hashFiles gives the SHA-256 of an ONNX file and its manifest together; wanted is that of the ONNX file alone.
func hashFiles(wanted, path, manifest string) (string, error) {
	all, one := sha256.New(), sha256.New()
	for _, name := range []string{path, manifest} {
		f, err := os.Open(name)
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
		return "", errors.New(`ONNX Runtime is not there, which runs ONNX files. Get its library, libonnxruntime.so 1.17 or later, with "pip install onnxruntime", from the archive of a release (github.com/microsoft/onnxruntime), or with scripts/onnxruntime; when it is not found by itself, name it with --onnxruntime or ` + runtimeVariable)
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
