package export

import (
	"encoding/binary"
	"math"
)

// message is a message of protocol buffers being written: fields of varints, 32-bit numbers and bytes.
type message []byte

func (m *message) key(field, wire int) {
	*m = binary.AppendUvarint(*m, uint64(field)<<3|uint64(wire))
}

func (m *message) number(field int, v int64) {
	m.key(field, 0)
	*m = binary.AppendUvarint(*m, uint64(v))
}

func (m *message) float(field int, v float32) {
	m.key(field, 5)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(v))
}

func (m *message) bytes(field int, v []byte) {
	m.key(field, 2)
	*m = binary.AppendUvarint(*m, uint64(len(v)))
	*m = append(*m, v...)
}

func (m *message) text(field int, v string) { m.bytes(field, []byte(v)) }

// Types of tensors' elements (TensorProto.DataType).
const (
	float32s = 1
	int64s   = 7
)

// graph is an ONNX graph being written (onnx.proto: GraphProto).
type graph struct{ message }

// node adds an operator.
func (g *graph) node(kind, domain string, inputs []string, output string, attributes ...message) {
	var n message
	for _, name := range inputs {
		n.text(1, name)
	}
	n.text(2, output)
	n.text(3, output)
	n.text(4, kind)
	for _, a := range attributes {
		n.bytes(5, a)
	}
	if domain != "" {
		n.text(7, domain)
	}
	g.bytes(1, n)
}

// floats adds a constant of numbers.
func (g *graph) floats(name string, values []float32, shape ...int64) {
	var raw []byte
	for _, x := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	g.tensor(name, float32s, raw, shape)
}

// ints adds a constant of whole numbers.
func (g *graph) ints(name string, values []int64, shape ...int64) {
	var raw []byte
	for _, x := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	g.tensor(name, int64s, raw, shape)
}

func (g *graph) tensor(name string, kind int64, raw []byte, shape []int64) {
	var t message
	for _, d := range shape {
		t.number(1, d)
	}
	t.number(2, kind)
	t.text(8, name)
	t.bytes(9, raw)
	g.bytes(5, t)
}

// port declares an input (field 11) or an output (12) of numbers; a dimension below 0 is any.
func (g *graph) port(field int, name string, shape ...int64) {
	var dims, tensor, kind, value message
	for i, d := range shape {
		var one message
		if d < 0 {
			one.text(2, string(rune('n'+i)))
		} else {
			one.number(1, d)
		}
		dims.bytes(1, one)
	}
	tensor.number(1, float32s)
	tensor.bytes(2, dims)
	kind.bytes(1, tensor)
	value.text(1, name)
	value.bytes(2, kind)
	g.bytes(field, value)
}

// file gives the whole file (ModelProto), for operators of these versions.
func (g *graph) file(name string, versions map[string]int64, domains ...string) []byte {
	g.text(2, name)
	var m message
	m.number(1, 8) // version of the format
	m.text(2, "detgen")
	m.bytes(7, g.message)
	for _, d := range domains {
		var set message
		set.text(1, d)
		set.number(2, versions[d])
		m.bytes(8, set)
	}
	return m
}

// attribute is an attribute with a value, of a kind of AttributeProto.AttributeType.
func attribute(name string, kind int64, value func(*message)) message {
	var a message
	a.text(1, name)
	value(&a)
	a.number(20, kind)
	return a
}

func number(name string, v int64) message {
	return attribute(name, 2, func(a *message) { a.number(3, v) })
}

func text(name, v string) message {
	return attribute(name, 3, func(a *message) { a.text(4, v) })
}

func reals(name string, list []float32) message {
	return attribute(name, 6, func(a *message) {
		for _, x := range list {
			a.float(7, x)
		}
	})
}

func numbers(name string, list []int64) message {
	return attribute(name, 7, func(a *message) {
		for _, x := range list {
			a.number(8, x)
		}
	})
}

func texts(name string, list []string) message {
	return attribute(name, 8, func(a *message) {
		for _, x := range list {
			a.text(9, x)
		}
	})
}
