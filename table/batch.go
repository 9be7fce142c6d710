package table

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"unsafe"

	"github.com/parquet-go/parquet-go"
)

// Batch holds rows until they are written. Cells are added in the order of the columns, each by the
// method of its column's kind, and EndRow ends a row. A batch belongs to one goroutine at a time.
type Batch struct {
	columns []Column
	kinds   []Kind // of the columns, close together
	parquet bool
	cell    int // next column
	rows    int

	text []byte // CSV: the rows, a comma after each cell of one that has not ended; Parquet: the bytes of text cells

	values []parquet.Value
}

// Rows is the number of rows in the batch.
func (b *Batch) Rows() int { return b.rows }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.cell, b.rows = 0, 0
	b.values = b.values[:0]
	b.text = b.text[:0]
}

// next starts a cell of a kind. Cells that do not fit the columns are a mistake in the program.
func (b *Batch) next(kind Kind) {
	if b.cell >= len(b.kinds) || b.kinds[b.cell] != kind {
		b.misuse(kind)
	}
	b.cell++
}

func (b *Batch) misuse(kind Kind) {
	if b.cell == len(b.columns) {
		panic(fmt.Sprintf("table: a %v after the last of %d columns", kind, len(b.columns)))
	}
	c := b.columns[b.cell]
	panic(fmt.Sprintf("table: a %v for column %q, which is %v", kind, c.Name, c.Kind))
}

// value adds a cell's value to the row, in the form of Parquet.
func (b *Batch) value(v parquet.Value) {
	definition := 0
	if b.columns[b.cell-1].Optional {
		definition = 1
	}
	b.values = append(b.values, v.Level(0, definition, b.cell-1))
}

// Int adds a cell.
func (b *Batch) Int(v int64) {
	b.next(Int)
	if b.parquet {
		b.value(parquet.Int64Value(v))
		return
	}
	if uint64(v) < 10 { // as most are
		b.text = append(b.text, byte('0'+v), ',')
		return
	}
	b.text = append(strconv.AppendInt(b.text, v, 10), ',')
}

// Time adds a cell: ns since the Unix epoch.
func (b *Batch) Time(v int64) {
	b.next(Time)
	if b.parquet {
		b.value(parquet.Int64Value(v))
		return
	}
	b.text = append(strconv.AppendInt(b.text, v, 10), ',')
}

// Float adds a cell.
func (b *Batch) Float(v float64) {
	b.next(Float)
	if b.parquet {
		b.value(parquet.DoubleValue(v))
		return
	}
	if n := int64(v); uint64(n) < 10 && math.Float64bits(float64(n)) == math.Float64bits(v) { // as most are
		b.text = append(b.text, byte('0'+n), ',')
		return
	}
	b.text = append(appendFloat(b.text, v), ',')
}

// Numbers adds cells of kinds Int and Float, each by the kind of its column; of an Int, the whole part. It is faster
// than a call for each.
func (b *Batch) Numbers(v []float64) {
	if b.parquet {
		for _, x := range v {
			if b.cell < len(b.kinds) && b.kinds[b.cell] == Int {
				b.Int(int64(x))
			} else {
				b.Float(x)
			}
		}
		return
	}
	if b.cell+len(v) > len(b.kinds) {
		b.misuse(Float)
	}
	text, kinds := b.text, b.kinds[b.cell:][:len(v)]
	for i, x := range v {
		n := int64(x)
		if uint64(n) < 10 && math.Float64bits(float64(n)) == math.Float64bits(x) { // as most are
			text = append(text, byte('0'+n), ',')
			continue
		}
		switch kinds[i] {
		case Int:
			text = strconv.AppendInt(text, n, 10)
		case Float:
			text = appendFloat(text, x)
		default:
			b.cell += i
			b.misuse(Float)
		}
		text = append(text, ',')
	}
	b.cell += len(v)
	b.text = text
}

// appendFloat writes whole numbers without fraction and exponent, as those are most, and others as
// short as they can be read back.
func appendFloat(text []byte, v float64) []byte {
	// What no int64 holds is converted to something that is another number or beyond the limits.
	if n := int64(v); float64(n) == v && -1<<53 < n && n < 1<<53 {
		if n == 0 && math.Signbit(v) {
			return append(text, "-0"...)
		}
		return strconv.AppendInt(text, n, 10)
	}
	switch {
	case math.IsInf(v, 1):
		return append(text, "Infinity"...)
	case math.IsInf(v, -1):
		return append(text, "-Infinity"...)
	}
	return strconv.AppendFloat(text, v, 'g', -1, 64)
}

// Bool adds a cell.
func (b *Batch) Bool(v bool) {
	b.next(Bool)
	if b.parquet {
		b.value(parquet.BooleanValue(v))
		return
	}
	if v {
		b.text = append(b.text, '1', ',')
	} else {
		b.text = append(b.text, '0', ',')
	}
}

// Text adds a cell.
func (b *Batch) Text(v string) {
	b.next(Text)
	if b.parquet {
		b.value(parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(v), len(v)))) // is only read
		return
	}
	b.text = append(appendQuoted(b.text, v), ',')
}

// TextBytes adds a cell from bytes that may change after the call.
func (b *Batch) TextBytes(v []byte) {
	b.next(Text)
	if b.parquet {
		start := len(b.text)
		b.text = append(b.text, v...)
		b.value(parquet.ByteArrayValue(b.text[start:]))
		return
	}
	b.text = append(appendQuoted(b.text, v), ',')
}

// Addr adds a Text cell: the address, or the empty text when it is the zero Addr.
func (b *Batch) Addr(v netip.Addr) {
	b.next(Text)
	start := len(b.text)
	if v.IsValid() {
		b.text = v.AppendTo(b.text)
	}
	if b.parquet {
		b.value(parquet.ByteArrayValue(b.text[start:]))
		return
	}
	b.text = append(b.text, ',')
}

// Null adds an empty cell, of an optional column of any kind.
func (b *Batch) Null() {
	if b.cell == len(b.columns) {
		b.misuse(Int)
	}
	if c := b.columns[b.cell]; !c.Optional {
		panic(fmt.Sprintf("table: an empty cell for column %q, which is not optional", c.Name))
	}
	b.next(b.columns[b.cell].Kind)
	if b.parquet {
		b.values = append(b.values, parquet.NullValue().Level(0, 0, b.cell-1))
		return
	}
	b.text = append(b.text, ',')
}

// EndRow ends the row.
func (b *Batch) EndRow() {
	if b.cell != len(b.columns) {
		panic(fmt.Sprintf("table: a row of %d cells in a table of %d columns", b.cell, len(b.columns)))
	}
	if !b.parquet {
		b.text[len(b.text)-1] = '\n'
	}
	b.cell = 0
	b.rows++
}

// appendQuoted writes a CSV field, quoted when it has to be.
func appendQuoted[T string | []byte](text []byte, v T) []byte {
	plain := true
	for i := 0; i < len(v); i++ {
		if c := v[i]; c == ',' || c == '"' || c == '\n' || c == '\r' {
			plain = false
			break
		}
	}
	if plain {
		return append(text, v...)
	}
	text = append(text, '"')
	for i := 0; i < len(v); i++ {
		if v[i] == '"' {
			text = append(text, '"')
		}
		text = append(text, v[i])
	}
	return append(text, '"')
}
