package table

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Format is a file format.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	Parquet Format = "parquet"
)

// FormatFor gives the format by its name, or, when the name is "", by the extension of the
// path: Parquet for ".parquet", else CSV.
func FormatFor(name, path string) (Format, error) {
	switch Format(name) {
	case CSV, Parquet:
		return Format(name), nil
	case "":
		if strings.EqualFold(filepath.Ext(path), ".parquet") {
			return Parquet, nil
		}
		return CSV, nil
	}
	return "", fmt.Errorf("format %q: there are csv and parquet", name)
}
