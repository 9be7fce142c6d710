package table

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"

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
	file    *os.File // nil when the caller owns the output
	path    string   // what file is renamed to; "" when it is not
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
		return newFile(file, "", format, columns)
	}
	file, err := createBeside(path)
	if err != nil {
		return nil, err
	}
	return newFile(file, path, format, columns)
}

// createBeside creates a file with a new name in the folder of path.
func createBeside(path string) (*os.File, error) {
	for {
		name := path + ".partial-" + strconv.FormatUint(uint64(rand.Uint32()), 36)
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
	}
}

func newFile(file *os.File, path string, format Format, columns []Column) (*File, error) {
	f, err := New(file, format, columns)
	if err != nil {
		file.Close()
		if path != "" {
			os.Remove(file.Name())
		}
		return nil, err
	}
	f.file, f.path = file, path
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
	if f.err == nil && f.path != "" {
		f.err = f.file.Sync()
	}
	if err := f.file.Close(); f.err == nil {
		f.err = err
	}
	if f.err == nil && f.path != "" {
		f.err = os.Rename(f.file.Name(), f.path)
	}
	if f.err != nil && f.path != "" {
		os.Remove(f.file.Name())
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
	f.file.Close()
	if f.path != "" {
		os.Remove(f.file.Name())
	}
	f.file = nil
	f.err = fs.ErrClosed
}
