package table

import (
	"reflect"

	"github.com/parquet-go/parquet-go"
)

// schema gives the Parquet schema of the columns, in their order.
func schema(columns []Column) *parquet.Schema {
	names := unique(columns)
	root := ordered{Group: parquet.Group{}}
	for i, c := range columns {
		node := node(c.Kind)
		if c.Optional {
			node = parquet.Optional(node)
		}
		root.fields = append(root.fields, field{Node: node, name: names[i]})
		root.Group[names[i]] = node
	}
	return parquet.NewSchema("table", root)
}

func node(kind Kind) parquet.Node {
	switch kind {
	case Float:
		return parquet.Leaf(parquet.DoubleType)
	case Text:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case Bool:
		return parquet.Leaf(parquet.BooleanType)
	case Time:
		return parquet.Timestamp(parquet.Nanosecond)
	}
	return parquet.Leaf(parquet.Int64Type)
}

// ordered is a group whose fields are in the order of the columns; parquet.Group sorts them by name.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

func (o ordered) Fields() []parquet.Field { return o.fields }

// field is a named field of ordered.
type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value is for rows of Go structs, which tables do not have.
func (f field) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}
