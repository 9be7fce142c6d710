package table

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"detgen/internal/whole"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/snappy"
)

// cellsPerGroup bounds what a Parquet row group makes the writer hold.
const cellsPerGroup = 2 << 20

// File is a table being written. Its methods are for one goroutine at a time.
type File struct {
	columns []Column
	format  Format
	out     *bufio.Writer
	file    output // nil when the caller owns the output
	parquet *parquet.GenericWriter[any]
	row     []parquet.Row
	rows    int64
	err     error
	pool    sync.Pool
}

// Create starts a table at path, or on the standard output for "-" (CSV only). Close completes it; until then it has another
// name in the same folder. A path that is there and is no regular file (a pipe, a device) is
// written directly.
func Create(path string, format Format, columns []Column) (*File, error) {
	if path == "-" {
		if format == Parquet {
			return nil, errors.New("standard output: only CSV can be written to it")
		}
		return New(os.Stdout, format, columns)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s: is a directory", path)
	case err == nil && !info.Mode().IsRegular():
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return newFile(special{file}, format, columns)
	}
	file, err := whole.Create(path)
	if err != nil {
		return nil, err
	}
	return newFile(file, format, columns)
}

// output is what a table is written to: a whole.File, or a pipe or device.
type output interface {
	io.Writer
	Commit() error
	Abort() error
}

// special is a file that is no regular one. What was written to it cannot be taken back.
type special struct{ *os.File }

func (s special) Commit() error { return s.Close() }
func (s special) Abort() error  { return s.Close() }

func newFile(file output, format Format, columns []Column) (*File, error) {
	f, err := New(file, format, columns)
	if err != nil {
		return nil, errors.Join(err, file.Abort())
	}
	f.file = file
	return f, nil
}

// New starts a table on w, which stays the caller's to close.
func New(w io.Writer, format Format, columns []Column) (*File, error) {
	if len(columns) == 0 {
		return nil, errors.New("a table without columns")
	}
	f := &File{columns: columns, format: format, out: bufio.NewWriterSize(w, 256<<10)}
	kinds := make([]Kind, len(columns))
	for i, c := range columns {
		kinds[i] = c.Kind
	}
	f.pool.New = func() any { return &Batch{columns: columns, kinds: kinds, parquet: format == Parquet} }
	if format == Parquet {
		f.parquet = parquet.NewGenericWriter[any](f.out, schema(columns),
			parquet.Compression(&snappy.Codec{}),
			parquet.MaxRowsPerRowGroup(int64(max(1024, cellsPerGroup/len(columns)))),
			parquet.CreatedBy("detgen", "", ""))
		return f, nil
	}
	var header []byte
	for i, c := range columns {
		if i > 0 {
			header = append(header, ',')
		}
		header = appendQuoted(header, c.Name)
	}
	_, f.err = f.out.Write(append(header, '\n'))
	return f, f.err
}

// NewBatch gives an empty batch for rows of this table. It can be called by any goroutine.
func (f *File) NewBatch() *Batch { return f.pool.Get().(*Batch) }

// Write writes the rows of the batch, which is the table's again afterwards.
func (f *File) Write(b *Batch) error {
	if b.cell != 0 {
		panic("table: a batch that ends within a row")
	}
	if f.err == nil {
		f.rows += int64(b.rows)
		if f.format == Parquet {
			f.err = f.writeParquet(b)
		} else {
			_, f.err = f.out.Write(b.text)
		}
	}
	b.Reset()
	f.pool.Put(b)
	return f.err
}

func (f *File) writeParquet(b *Batch) error {
	f.row = f.row[:0]
	width := len(f.columns)
	for i := range b.rows {
		f.row = append(f.row, b.values[i*width:(i+1)*width])
	}
	_, err := f.parquet.WriteRows(f.row)
	return err
}

// Rows is the number of rows written.
func (f *File) Rows() int64 { return f.rows }

// Close completes the table and gives it its name. After an error the file is removed.
func (f *File) Close() error {
	if f.parquet != nil && f.err == nil {
		f.err = f.parquet.Close()
	}
	if f.err == nil {
		f.err = f.out.Flush()
	}
	if f.file == nil {
		return f.err
	}
	if f.err == nil {
		f.err = f.file.Commit()
	} else {
		f.err = errors.Join(f.err, f.file.Abort())
	}
	f.file = nil
	if f.err == nil {
		f.err = fs.ErrClosed
		return nil
	}
	return f.err
}

// Abort gives the table up and removes its file. After Close it does nothing.
func (f *File) Abort() {
	if f.file == nil {
		return
	}
	f.file.Abort()
	f.file = nil
	f.err = fs.ErrClosed
}
