package truth

import (
	"context"
	"fmt"

	"detgen/internal/problem"
	"detgen/packet"
	"detgen/table"
)

// Table is a table that is written of captures.
type Table struct {
	Path      string // "-" is the standard output
	Format    string // csv or parquet; "": by the path's extension, else csv
	Unchecked bool   // take the captures of run directories as they are
	Apart     bool   // read captures that are named together each by itself

	Tell func(string) // told which capture is read
	Warn func(string) // told what is odd in one
}

// Write writes the rows of the captures that arguments name, and completes the table even when captures were damaged. What
// is wrong with the request is found before.
func (t *Table) Write(args []string, columns []table.Column, rows func(*packet.Series, *table.File) error) error {
	format, err := table.FormatFor(t.Format, t.Path)
	if err != nil {
		return problem.InRequest(err)
	}
	captures, err := CaptureFiles(args, t.Unchecked, t.Apart)
	if err != nil {
		return problem.InRequest(err)
	}
	out, err := table.Create(t.Path, format, columns)
	if err != nil {
		return problem.InRequest(err)
	}
	defer out.Abort()
	failed, err := packet.Each(captures, t.Tell, t.Warn, func(s *packet.Series) error { return rows(s, out) })
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write %s: %w", t.Path, err)
	}
	return failed
}

// WritePackets writes a row for each frame, with tunnels of the headers inside them, and with labels where the arguments are
// run directories only.
func (t *Table) WritePackets(ctx context.Context, args []string, tunnels bool) error {
	columns, labels := packet.Columns(), LabelsOf(args, t.Unchecked)
	if labels != nil {
		columns = append(columns, LabelColumns()...)
	}
	return t.Write(args, columns, func(s *packet.Series, out *table.File) (err error) {
		rows := packet.Rows{Decoder: packet.Decoder{Tunnels: tunnels}}
		if labels != nil {
			if rows.Extra, err = labels.Of(s.Name()); err != nil {
				return err
			}
		}
		return rows.Write(ctx, s.Paths(), s, out)
	})
}
