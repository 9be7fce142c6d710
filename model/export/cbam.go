package export

import (
	"fmt"
	"math"

	"detgen/model/cbam"
)

// sessions writes a CBAM: connections (n, t, 5) to the means of their surprise so far (n, t, 1). Steps come first inside.
func sessions(name string, n *cbam.Network) []byte {
	var g graph
	step := func(kind, output string, inputs []string, attributes ...message) string {
		g.node(kind, "", inputs, output, attributes...)
		return output
	}
	column := func(name string, at int64) string {
		g.ints(name+"at", []int64{at}, 1)
		return step("Gather", name, []string{"steps", name + "at"}, number("axis", 2))
	}
	p := n.Parts()
	h := n.Cells

	// The state as one number, then as ones and zeros: one column for each that is known, one for all others.
	code := func(protocol, port, role int) int64 { return int64(protocol)<<17 + int64(port)<<1 + int64(role) }
	var known []int64
	for _, s := range n.States {
		known = append(known, code(s[0], s[1], s[2]))
	}
	g.ints("known", known, int64(len(known)))
	g.ints("protocols", []int64{1 << 17}, 1)
	g.ints("ports", []int64{2}, 1)
	whole := func(name string, at int64) string {
		return step("Cast", name+"whole", []string{column(name, at)}, number("to", int64s))
	}
	sum := step("Add", "code1", []string{step("Mul", "code0", []string{whole("protocol", 0), "protocols"}), step("Mul", "port2", []string{whole("port", 1), "ports"})})
	sum = step("Add", "code", []string{sum, whole("role", 2)})
	is := step("Cast", "is", []string{step("Equal", "equal", []string{sum, "known"})}, number("to", float32s))
	g.ints("last", []int64{2}, 1)
	g.floats("one", []float32{1}, 1)
	other := step("Sub", "other", []string{"one", step("ReduceSum", "any", []string{is, "last"})})
	state := step("Concat", "state", []string{is, other}, number("axis", 2))

	// The bin: ones up to it, less the same one further.
	g.floats("edges", narrow(n.Edges), int64(len(n.Edges)))
	over := step("Cast", "over", []string{step("Greater", "above", []string{column("bytes", 3), "edges"})}, number("to", float32s))
	zero := step("Sub", "zero", []string{other, other})
	size := step("Sub", "size", []string{
		step("Concat", "upto", []string{step("Add", "ones", []string{zero, "one"}), over}, number("axis", 2)),
		step("Concat", "beyond", []string{over, zero}, number("axis", 2)),
	})

	matrix := func(name string, m []float64, rows int) string {
		g.floats(name, narrow(m), int64(rows), int64(len(m)/rows))
		return name
	}
	states, bins := len(n.States)+1, len(n.Edges)+1
	stateDims, sizeDims := len(p.State)/(states+1), len(p.Size)/(bins+1)
	tokens := step("Concat", "tokens", []string{
		step("MatMul", "statenumbers", []string{state, matrix("stateembed", p.State[:states*stateDims], states)}),
		step("MatMul", "sizenumbers", []string{size, matrix("sizeembed", p.Size[:bins*sizeDims], bins)}),
	}, number("axis", 2))
	first := func(name, of string) string {
		return step("Transpose", name, []string{of}, numbers("perm", []int64{1, 0, 2}))
	}
	tokens = first("bystep", tokens)

	// Beyond the ends: the last tokens, for each session.
	for name, at := range map[string]int64{"from0": 0, "from1": 1, "to1": 1, "butlast": -1, "end": math.MaxInt64, "steps0": 0} {
		g.ints(name, []int64{at}, 1)
	}
	g.floats("edgetoken", append(narrow(p.State[states*stateDims:]), narrow(p.Size[bins*sizeDims:])...), int64(stateDims+sizeDims))
	cut := func(name, from, to string) string { return step("Slice", name, []string{tokens, from, to, "steps0"}) }
	one := cut("firststep", "from0", "to1")
	edge := step("Add", "edge", []string{step("Sub", "noedge", []string{one, one}), "edgetoken"})
	there := step("Concat", "there", []string{edge, cut("before", "from0", "butlast")}, number("axis", 0))
	back := step("Concat", "back", []string{cut("after", "from1", "end"), edge}, number("axis", 0))

	g.ints("directions", []int64{1}, 1)
	layer := func(name, input, direction string, in, rec, bias []float64) string {
		d := len(in) / (4 * h)
		g.floats(name+"w", gates(narrow(in), d, h), 1, int64(4*h), int64(d))
		g.floats(name+"r", gates(narrow(rec), h, h), 1, int64(4*h), int64(h))
		g.floats(name+"b", append(gates(narrow(bias), 1, h), make([]float32, 4*h)...), 1, int64(8*h))
		out := step("LSTM", name+"out", []string{input, name + "w", name + "r", name + "b"}, number("hidden_size", int64(h)), text("direction", direction))
		return step("Squeeze", name, []string{out, "directions"})
	}
	for k := range 2 {
		there = layer(fmt.Sprintf("forward%d", k), there, "forward", p.Forward[k][0], p.Forward[k][1], p.Forward[k][2])
		back = layer(fmt.Sprintf("backward%d", k), back, "reverse", p.Backward[k][0], p.Backward[k][1], p.Backward[k][2])
	}
	linear := func(name, input string, m, bias []float64) string {
		g.floats(name+"bias", narrow(bias), int64(len(bias)))
		return step("Add", name, []string{step("MatMul", name+"product", []string{input, matrix(name+"m", m, 2*h)}), name + "bias"})
	}
	middle := step("Relu", "relu", []string{linear("middle", step("Concat", "joined", []string{there, back}, number("axis", 2)), p.Middle, p.MiddleBias)})
	probability := func(name string, m, bias []float64, actual string) string {
		all := step("Softmax", name+"all", []string{linear(name+"logits", middle, m, bias)}, number("axis", 2))
		return step("ReduceSum", name+"p", []string{step("Mul", name+"own", []string{all, first(name+"actual", actual)}), "last"})
	}
	both := step("Add", "both", []string{probability("state", p.ToState, p.StateShift, state), probability("size", p.ToSize, p.SizeShift, size)})
	g.floats("half", []float32{0.5}, 1)
	surprise := step("Sub", "surprise", []string{"one", step("Mul", "mean", []string{both, "half"})})
	meanSoFar(&g, first("bysession", surprise))
	g.port(11, "steps", -1, -1, 5)
	g.port(12, "score", -1, -1, 1)
	return g.file(name, map[string]int64{"": 13}, "")
}
