package columns

import (
	"errors"
	"strconv"

	"detgen/table"
)

// field is a column of a set of connections. text gives its cell, "" where it is not known.
type field struct {
	table.Column
	zeek string // the type in Zeek's log
	text func(c *connection) string
}

// put adds a cell to a batch, with the type of its column.
func (f *field) put(b *table.Batch, text string) error {
	if f.Kind == table.Text {
		b.Text(text)
		return nil
	}
	if text == "" {
		if !f.Optional {
			return errors.New("is not known")
		}
		b.Null()
		return nil
	}
	if f.Kind == table.Bool {
		b.Bool(text == "T")
		return nil
	}
	if f.Kind == table.Float {
		x, err := strconv.ParseFloat(text, 64)
		b.Float(x)
		return err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	b.Int(n)
	return err
}

func textual(name, zeek, doc string, text func(c *connection) string) field {
	return field{table.Column{Name: name, Kind: table.Text, Doc: doc}, zeek, text}
}

func number(name, zeek, unit, doc string, n func(c *connection) int64) field {
	return field{table.Column{Name: name, Kind: table.Int, Unit: unit, Doc: doc}, zeek, func(c *connection) string { return strconv.FormatInt(n(c), 10) }}
}

func fraction(name, zeek, unit, doc string, x func(c *connection) float64) field {
	return field{table.Column{Name: name, Kind: table.Float, Unit: unit, Doc: doc}, zeek, func(c *connection) string { return decimal(x(c)) }}
}

// decimal writes a number to the microsecond, as Zeek does.
func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }

// ours are the columns that say what a connection is of here, behind those of a set.
var ours = []field{
	textual("scenario", "string", "Scenario of the activity that the connection belongs to.", func(c *connection) string { return c.words.scenario }),
	textual("task", "string", "Its task.", func(c *connection) string { return c.words.task }),
	textual("run", "string", "Id of the run, as in runs.csv.", func(c *connection) string { return c.run.ID }),
	textual("entry", "string", "Entry of the plan.", func(c *connection) string { return c.run.Entry }),
	textual("split", "string", "Split that the run is in.", func(c *connection) string { return c.run.Split }),
}
