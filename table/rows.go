package table

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
)

// What a row of a table that is read may have: bytes of text, and columns.
const (
	MaxRow     = 4 << 20
	MaxColumns = 10_000
)

// Rows reads CSV (RFC 4180) that is not trusted: no row makes it take more than a few times MaxRow.
type Rows struct {
	*csv.Reader
	in *bounded
}

// ReadRows reads the rows of in.
func ReadRows(in io.Reader) *Rows {
	b := &bounded{in: in}
	return &Rows{csv.NewReader(bufio.NewReaderSize(b, 64<<10)), b}
}

// Read is csv.Reader.Read.
func (r *Rows) Read() ([]string, error) {
	r.in.left = MaxRow
	row, err := r.Reader.Read()
	if err == nil && len(row) > MaxColumns {
		return nil, fmt.Errorf("a row has %d columns; at most %d are read", len(row), MaxColumns)
	}
	return row, err
}

// ReadAll is csv.Reader.ReadAll.
func (r *Rows) ReadAll() ([][]string, error) {
	var rows [][]string
	for {
		row, err := r.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

// bounded gives so many bytes.
type bounded struct {
	in   io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a row has more than %d MiB, the most that is read", MaxRow>>20)
	}
	n, err := b.in.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
