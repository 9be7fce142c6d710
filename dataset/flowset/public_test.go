package flowset

import (
	"testing"

	"detgen/internal/oracle"
)

// TestPublicFiles reads rows of the published CICIDS-2017 releases.
func TestPublicFiles(t *testing.T) {
	tests := []struct {
		file          string
		rows, columns int
		label         string // of the first row
	}{
		{"nids-data/cicids2017-improved/BENIGN_2500.csv", 2500, 81, "BENIGN"},
		{"nids-data/cicids2017-original/th1.csv", 1006, 76, "BENIGN"},
		{"nids-data/cicids2017-sqli/original-85-columns.csv", 21, 76, "Web Attack \u0096 Sql Injection"},
		{"nids-data/cicids2017-grouped52/sample.csv", 12000, 51, "Normal Traffic"},
	}
	for _, test := range tests {
		s, err := Read(t.Context(), oracle.Data(t, test.file))
		if err != nil {
			t.Errorf("%s: %v", test.file, err)
			continue
		}
		if s.Len() != test.rows || len(s.Columns) != test.columns || s.Label[0] != test.label {
			t.Errorf("%s: %d rows, %d columns, label %q; want %d, %d, %q", test.file, s.Len(), len(s.Columns), s.Label[0], test.rows, test.columns, test.label)
		}
	}
}
