// Package onnx runs ONNX files with ONNX Runtime's shared library, which it loads when it is asked to, without cgo. It is
// for a program of its own (cmd/detgen-onnx): whatever imports it is linked dynamically, and a library that others wrote
// runs in the process.
package onnx

import (
	"fmt"
	"runtime"
	"strconv"
	"unsafe"

	"github.com/ebitengine/purego"
)

// apiLevel is the version of the C interface that is asked for: each ONNX Runtime from 1.17 on has it.
const apiLevel = 17

// Places of functions in OrtApi (onnxruntime_c_api.h), which only grows at its end.
const (
	getErrorMessage                = 2
	createEnv                      = 3
	createSession                  = 7
	run                            = 9
	createSessionOptions           = 10
	setIntraOpNumThreads           = 24
	setInterOpNumThreads           = 25
	sessionGetInputCount           = 30
	sessionGetOutputCount          = 31
	sessionGetInputTypeInfo        = 33
	sessionGetOutputTypeInfo       = 34
	sessionGetInputName            = 36
	sessionGetOutputName           = 37
	createTensorWithDataAsOrtValue = 49
	getTensorMutableData           = 51
	getStringTensorDataLength      = 53
	getStringTensorContent         = 54
	castTypeInfoToTensorInfo       = 55
	getOnnxTypeFromTypeInfo        = 56
	getTensorElementType           = 60
	getDimensionsCount             = 61
	getDimensions                  = 62
	getTensorTypeAndShape          = 65
	getValueType                   = 67
	createCpuMemoryInfo            = 69
	allocatorFree                  = 76
	getAllocatorWithDefaultOptions = 78
	getValue                       = 80
	getValueCount                  = 81
	releaseEnv                     = 92
	releaseStatus                  = 93
	releaseSession                 = 95
	releaseValue                   = 96
	releaseTypeInfo                = 98
	releaseTensorTypeAndShapeInfo  = 99
)

// Type is the type of a tensor's elements (ONNXTensorElementDataType).
type Type int32

// The types that models of numbers take and give, and those of labels.
const (
	Float32 Type = 1
	Int32   Type = 6
	Int64   Type = 7
	String  Type = 8
	Bool    Type = 9
	Float64 Type = 11
)

// real tells whether elements are real numbers, which scores are.
func (t Type) real() bool { return t == Float32 || t == Float64 }

// numeric tells whether elements are numbers.
func (t Type) numeric() bool { return t.real() || t == Int32 || t == Int64 }

// Kinds of values (ONNXType).
const (
	kindTensor   = 1
	kindSequence = 2
	kindMap      = 3
)

// Port is an input or an output of a model.
type Port struct {
	Name   string
	Tensor bool    // else a sequence or a map
	Type   Type    // of a tensor
	Shape  []int64 // -1: any
}

// Session is a loaded model. One goroutine uses it at a time.
type Session struct {
	Inputs, Outputs []Port

	table                      *[128]uintptr // OrtApi
	env, session, memory, free uintptr
	names                      [][]byte       // that C code has pointers to
	held                       unsafe.Pointer // see address
}

// Open loads ONNX Runtime's library and a model. The caller closes it.
func Open(library, path string) (*Session, error) {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("load ONNX Runtime: %w", err)
	}
	base, err := purego.Dlsym(handle, "OrtGetApiBase")
	if err != nil {
		return nil, fmt.Errorf("%s is not ONNX Runtime's library: %w", library, err)
	}
	var getBase func() *[2]uintptr // GetApi, GetVersionString
	purego.RegisterFunc(&getBase, base)
	functions := getBase()
	var getAPI func(version uint32) *[128]uintptr
	purego.RegisterFunc(&getAPI, functions[0])
	var version func() string
	purego.RegisterFunc(&version, functions[1])
	s := &Session{table: getAPI(apiLevel)}
	if s.table == nil {
		return nil, fmt.Errorf("%s is ONNX Runtime %s: version 1.17 or later is needed", library, version())
	}
	if err := s.load(path); err != nil {
		s.Close()
		return nil, fmt.Errorf("ONNX Runtime %s: %w", version(), err)
	}
	return s, nil
}

// text gives a C string that lives as long as the session.
func (s *Session) text(t string) uintptr {
	b := append([]byte(t), 0)
	s.names = append(s.names, b)
	return address(s, &b[0])
}

// call calls a function that gives a status.
func (s *Session) call(function int, args ...uintptr) error {
	status, _, _ := purego.SyscallN(s.table[function], args...)
	if status == 0 {
		return nil
	}
	var message func(status uintptr) string
	purego.RegisterFunc(&message, s.table[getErrorMessage])
	err := fmt.Errorf("%s", message(status))
	purego.SyscallN(s.table[releaseStatus], status)
	return err
}

func (s *Session) load(path string) error {
	const warningsAndWorse, arena, usual = 3, 0, 0
	if err := s.call(createEnv, warningsAndWorse, s.text("detgen"), address(s, &s.env)); err != nil {
		return err
	}
	options := new(uintptr)
	if err := s.call(createSessionOptions, address(s, options)); err != nil {
		return err
	}
	for _, f := range []int{setIntraOpNumThreads, setInterOpNumThreads} { // same numbers on any machine
		if err := s.call(f, *options, 1); err != nil {
			return err
		}
	}
	if err := s.call(createSession, s.env, s.text(path), *options, address(s, &s.session)); err != nil {
		return err
	}
	if err := s.call(createCpuMemoryInfo, arena, usual, address(s, &s.memory)); err != nil {
		return err
	}
	if err := s.call(getAllocatorWithDefaultOptions, address(s, &s.free)); err != nil {
		return err
	}
	var err error
	if s.Inputs, err = s.ports(sessionGetInputCount, sessionGetInputName, sessionGetInputTypeInfo); err != nil {
		return err
	}
	s.Outputs, err = s.ports(sessionGetOutputCount, sessionGetOutputName, sessionGetOutputTypeInfo)
	return err
}

// address gives the address of a variable for C code. That the session holds it makes it live on the heap, where nothing
// moves; the caller keeps it alive.
func address[T any](s *Session, v *T) uintptr {
	s.held = unsafe.Pointer(v)
	return uintptr(s.held)
}

func (s *Session) ports(count, name, info int) ([]Port, error) {
	n := new(uintptr)
	if err := s.call(count, s.session, address(s, n)); err != nil {
		return nil, err
	}
	list := make([]Port, *n)
	for i := range list {
		text, about, kind := new(*byte), new(uintptr), new(int32)
		if err := s.call(name, s.session, uintptr(i), s.free, address(s, text)); err != nil {
			return nil, err
		}
		list[i].Name = goString(*text)
		s.call(allocatorFree, s.free, uintptr(unsafe.Pointer(*text)))
		if err := s.call(info, s.session, uintptr(i), address(s, about)); err != nil {
			return nil, err
		}
		if err := s.call(getOnnxTypeFromTypeInfo, *about, address(s, kind)); err != nil {
			return nil, err
		}
		if *kind == kindTensor {
			tensor := new(uintptr)
			if err := s.call(castTypeInfoToTensorInfo, *about, address(s, tensor)); err != nil {
				return nil, err
			}
			var err error
			if list[i].Type, list[i].Shape, err = s.shape(*tensor); err != nil {
				return nil, err
			}
			list[i].Tensor = true
		}
		purego.SyscallN(s.table[releaseTypeInfo], *about)
	}
	return list, nil
}

// shape reads what a tensor is.
func (s *Session) shape(info uintptr) (Type, []int64, error) {
	kind, n := new(int32), new(uintptr)
	if err := s.call(getTensorElementType, info, address(s, kind)); err != nil {
		return 0, nil, err
	}
	if err := s.call(getDimensionsCount, info, address(s, n)); err != nil {
		return 0, nil, err
	}
	if *n == 0 {
		return Type(*kind), nil, nil
	}
	dimensions := make([]int64, *n)
	err := s.call(getDimensions, info, address(s, &dimensions[0]), *n)
	return Type(*kind), dimensions, err
}

// goString reads a C string.
func goString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// Tensor is what a model takes or gives: numbers in row-major order.
type Tensor struct {
	Shape  []int64
	Values []float64
	Texts  []string // instead of Values, of strings
	Labels []string // of what was maps: the keys, which are the columns
}

// Run runs the model and gives one of its outputs, by its index; in has a tensor for each input, in their order. A
// sequence of maps, as scikit-learn's classifiers give, becomes a tensor with a row for each map, in the order of its keys.
func (s *Session) Run(in []Tensor, output int) (Tensor, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	name := func(text string) *byte {
		b := append([]byte(text), 0)
		pin.Pin(&b[0])
		return &b[0]
	}
	values, names := make([]uintptr, len(in)), make([]*byte, len(in))
	defer func() {
		for _, v := range values {
			if v != 0 {
				purego.SyscallN(s.table[releaseValue], v)
			}
		}
	}()
	for i := range in {
		port := &s.Inputs[i]
		data, bytes := encode(port.Type, in[i].Values)
		if data == nil {
			return Tensor{}, fmt.Errorf("input %q has elements of type %d, and numbers are needed", port.Name, port.Type)
		}
		pin.Pin(data)
		value := new(uintptr)
		if err := s.call(createTensorWithDataAsOrtValue, s.memory, uintptr(data), bytes, address(s, &in[i].Shape[0]), uintptr(len(in[i].Shape)), uintptr(port.Type), address(s, value)); err != nil {
			return Tensor{}, err
		}
		values[i], names[i] = *value, name(port.Name)
	}
	outNames, outs := &[1]*byte{name(s.Outputs[output].Name)}, &[1]uintptr{}
	pin.Pin(&names[0])
	pin.Pin(outNames)
	if err := s.call(run, s.session, 0, address(s, &names[0]), address(s, &values[0]), uintptr(len(in)), address(s, outNames), 1, address(s, outs)); err != nil {
		return Tensor{}, err
	}
	defer purego.SyscallN(s.table[releaseValue], outs[0])
	return s.read(outs[0])
}

// read reads a value.
func (s *Session) read(value uintptr) (Tensor, error) {
	kind := new(int32)
	if err := s.call(getValueType, value, address(s, kind)); err != nil {
		return Tensor{}, err
	}
	switch *kind {
	case kindSequence:
		return s.sequence(value)
	case kindMap:
		keys, err := s.part(value, 0)
		if err != nil {
			return Tensor{}, err
		}
		out, err := s.part(value, 1)
		if out.Labels = keys.Texts; keys.Texts == nil {
			for _, k := range keys.Values {
				out.Labels = append(out.Labels, strconv.FormatFloat(k, 'f', -1, 64))
			}
		}
		return out, err
	case kindTensor:
	default:
		return Tensor{}, fmt.Errorf("the output is of kind %d, and a tensor or a sequence is needed", *kind)
	}
	info := new(uintptr)
	if err := s.call(getTensorTypeAndShape, value, address(s, info)); err != nil {
		return Tensor{}, err
	}
	defer purego.SyscallN(s.table[releaseTensorTypeAndShapeInfo], *info)
	kindOf, shape, err := s.shape(*info)
	if err != nil {
		return Tensor{}, err
	}
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	if kindOf == String {
		texts, err := s.texts(value, n)
		return Tensor{Shape: shape, Texts: texts}, err
	}
	data := new(unsafe.Pointer)
	if err := s.call(getTensorMutableData, value, address(s, data)); err != nil {
		return Tensor{}, err
	}
	values, err := decode(kindOf, *data, n)
	return Tensor{Shape: shape, Values: values}, err
}

// part reads a part of a map (0 its keys, 1 its values) or of a sequence.
func (s *Session) part(value, which uintptr) (Tensor, error) {
	part := new(uintptr)
	if err := s.call(getValue, value, which, s.free, address(s, part)); err != nil {
		return Tensor{}, err
	}
	defer purego.SyscallN(s.table[releaseValue], *part)
	return s.read(*part)
}

// texts reads a tensor of strings.
func (s *Session) texts(value uintptr, n int) ([]string, error) {
	if n == 0 {
		return nil, nil
	}
	length := new(uintptr)
	if err := s.call(getStringTensorDataLength, value, address(s, length)); err != nil {
		return nil, err
	}
	all, starts := make([]byte, *length+1), make([]uintptr, n)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&all[0])
	if err := s.call(getStringTensorContent, value, address(s, &all[0]), *length, address(s, &starts[0]), uintptr(n)); err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i, from := range starts {
		to := *length
		if i+1 < n {
			to = starts[i+1]
		}
		out[i] = string(all[from:to])
	}
	return out, nil
}

// sequence reads a sequence of maps or tensors as the rows of one tensor.
func (s *Session) sequence(value uintptr) (Tensor, error) {
	n := new(uintptr)
	if err := s.call(getValueCount, value, address(s, n)); err != nil {
		return Tensor{}, err
	}
	var all Tensor
	for i := range *n {
		row, err := s.part(value, i)
		if err != nil {
			return Tensor{}, err
		}
		all.Values, all.Labels = append(all.Values, row.Values...), row.Labels
	}
	all.Shape = []int64{int64(*n), int64(len(all.Values)) / max(1, int64(*n))}
	return all, nil
}

// encode lays numbers out as C code wants them.
func encode(t Type, values []float64) (unsafe.Pointer, uintptr) {
	if len(values) == 0 {
		return nil, 0
	}
	switch t {
	case Float32:
		return layOut[float32](values)
	case Float64:
		return layOut[float64](values)
	case Int32:
		return layOut[int32](values)
	case Int64:
		return layOut[int64](values)
	}
	return nil, 0
}

type number interface {
	float32 | float64 | int32 | int64 | uint8
}

func layOut[T number](values []float64) (unsafe.Pointer, uintptr) {
	out := make([]T, len(values))
	for i, x := range values {
		out[i] = T(x)
	}
	return unsafe.Pointer(&out[0]), uintptr(len(out)) * unsafe.Sizeof(out[0])
}

func decode(t Type, data unsafe.Pointer, n int) ([]float64, error) {
	switch t {
	case Float32:
		return takeIn[float32](data, n), nil
	case Float64:
		return takeIn[float64](data, n), nil
	case Int32:
		return takeIn[int32](data, n), nil
	case Int64:
		return takeIn[int64](data, n), nil
	case Bool:
		return takeIn[uint8](data, n), nil
	}
	return nil, fmt.Errorf("the output has elements of type %d, and numbers are needed", t)
}

func takeIn[T number](data unsafe.Pointer, n int) []float64 {
	out := make([]float64, n)
	for i, x := range unsafe.Slice((*T)(data), n) {
		out[i] = float64(x)
	}
	return out
}

// Close frees the model. The library stays loaded.
func (s *Session) Close() error {
	if s.session != 0 {
		purego.SyscallN(s.table[releaseSession], s.session)
		s.session = 0
	}
	if s.env != 0 {
		purego.SyscallN(s.table[releaseEnv], s.env)
		s.env = 0
	}
	return nil
}
