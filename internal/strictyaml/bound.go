package strictyaml

import (
	"fmt"

	"detgen/internal/problem"

	"go.yaml.in/yaml/v3"
)

// Bounds of a file, far above what people write by hand. Aliases count as often as they are used.
const (
	MaxSize  = 16 << 20 // bytes
	MaxNodes = 500_000  // values, names and lists
	MaxDepth = 100      // of lists and mappings within each other
)

// measured is what a node is once its aliases are filled in.
type measured struct {
	nodes, depth int
}

// measure measures nodes, each once.
type measure struct {
	known map[*yaml.Node]measured
	open  map[*yaml.Node]bool // being measured: those around
}

// bound gives an error for a document that is too large, too deep or endless, at the node that is
// to blame.
func bound(document *yaml.Node) (at *yaml.Node, err error) {
	m := &measure{known: map[*yaml.Node]measured{}, open: map[*yaml.Node]bool{}}
	_, at, err = m.node(document)
	return at, err
}

func (m *measure) node(n *yaml.Node) (measured, *yaml.Node, error) {
	if got, ok := m.known[n]; ok {
		return got, nil, nil
	}
	if m.open[n] {
		return measured{}, n, fmt.Errorf("the anchor &%s holds an alias of itself, so it never ends: write out what is meant", n.Anchor)
	}
	m.open[n] = true
	defer delete(m.open, n)
	got := measured{nodes: 1}
	inner := n.Content
	if n.Kind == yaml.AliasNode {
		inner = []*yaml.Node{n.Alias}
	}
	for _, c := range inner {
		part, at, err := m.node(c)
		if err != nil {
			return got, at, err
		}
		got.nodes += part.nodes
		got.depth = max(got.depth, part.depth+1)
		switch {
		case got.nodes > MaxNodes:
			return got, n, fmt.Errorf("has more than %d values once its aliases are filled in", MaxNodes)
		case got.depth > MaxDepth:
			return got, n, fmt.Errorf("holds lists or mappings more than %d deep", MaxDepth)
		}
	}
	m.known[n] = got
	return got, nil, nil
}

// checkSize reports a file that is too large to be read.
func checkSize(file string, data []byte, ps *problem.List) bool {
	if len(data) > MaxSize {
		ps.Add(problem.Position{File: file}, "", "", "has %d bytes: at most %d", len(data), MaxSize)
	}
	return len(data) <= MaxSize
}
