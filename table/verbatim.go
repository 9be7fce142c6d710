package table

import "github.com/parquet-go/parquet-go"

// FloatAs adds a cell to a Float column whose text in CSV is given, for tables that have to print numbers in
// the way of another program.
func (b *Batch) FloatAs(v float64, text []byte) {
	b.next(Float)
	if b.parquet {
		b.value(parquet.DoubleValue(v))
		return
	}
	b.text = append(append(b.text, text...), ',')
}
