package table

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// AsCSV reads a table in Parquet, of flat columns, as the CSV that it would have been: what reads one reads the other. The
// caller closes it; the file stays open until then.
func AsCSV(file io.ReaderAt, size int64) (io.ReadCloser, error) {
	in, err := parquet.OpenFile(file, size)
	if err != nil {
		return nil, fmt.Errorf("read Parquet: %w", err)
	}
	var head []byte
	for _, c := range in.Schema().Columns() {
		if len(c) != 1 {
			return nil, fmt.Errorf("read Parquet: column %q has columns in it, and only flat tables are read", c[0])
		}
		head = append(appendQuoted(head, c[0]), ',')
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(writeCSV(writer, head, in)) }()
	return reader, nil
}

// writeCSV writes all rows.
func writeCSV(to io.Writer, head []byte, in *parquet.File) error {
	out := bufio.NewWriterSize(to, 1<<16)
	line := func(text []byte) error {
		text[len(text)-1] = '\n' // in the place of the last comma
		_, err := out.Write(text)
		return err
	}
	if err := line(head); err != nil {
		return err
	}
	rows := parquet.NewReader(in)
	defer rows.Close()
	buffer := make([]parquet.Row, 64)
	var text []byte
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			text = text[:0]
			for _, v := range row {
				text = append(appendValue(text, v), ',')
			}
			if err := line(text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return fmt.Errorf("read Parquet: %w", err)
		}
	}
}

// appendValue writes a cell as a Batch does.
func appendValue(text []byte, v parquet.Value) []byte {
	switch {
	case v.IsNull():
		return text
	case v.Kind() == parquet.Boolean && v.Boolean():
		return append(text, '1')
	case v.Kind() == parquet.Boolean:
		return append(text, '0')
	case v.Kind() == parquet.Int32:
		return strconv.AppendInt(text, int64(v.Int32()), 10)
	case v.Kind() == parquet.Int64:
		return strconv.AppendInt(text, v.Int64(), 10)
	case v.Kind() == parquet.Float:
		return appendFloat(text, float64(v.Float()))
	case v.Kind() == parquet.Double:
		return appendFloat(text, v.Double())
	}
	return appendQuoted(text, string(v.ByteArray()))
}
