package flow

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/oracle"
	"detgen/packet"
)

// versions are the names by which files of reference output call the modes.
var versions = map[string]Mode{"2018-02": CIC2017, "2021-07": CIC2021, "fixed-2024-06": CICFixed}

// TestReference compares with what CICFlowMeter itself printed for public captures.
func TestReference(t *testing.T) {
	dir, pcaps := oracle.Data(t, "flow-reference"), oracle.Data(t, "pcaps")
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no reference output in %s: %v", dir, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".csv"), func(t *testing.T) {
			for version, mode := range versions {
				if capture, ok := strings.CutSuffix(name, "."+version+".csv"); ok {
					compareTables(t, readTable(t, file), measureFile(t, filepath.Join(pcaps, capture+".pcap"), NewOptions(mode), ToolColumns))
					return
				}
			}
			t.Fatalf("%s: there is no mode for its version", name)
		})
	}
}

// measureFile gives the table of a capture's flows as the rows of a CSV file.
func measureFile(t *testing.T, path string, o Options, set ColumnSet) [][]string {
	t.Helper()
	r, err := packet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return tabulate(t, r, o, 1, set)
}

func readTable(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// compareTables matches rows by flow ID, start and duration in any order, and compares numbers with a
// relative tolerance of 1e-9.
func compareTables(t *testing.T, want, got [][]string) {
	t.Helper()
	if w, g := strings.Join(want[0], "|"), strings.Join(got[0], "|"); w != g {
		t.Fatalf("columns\n%s\nwant\n%s", g, w)
	}
	column := map[string]int{}
	for i, name := range want[0] {
		column[name] = i
	}
	key := func(row []string) string {
		return row[column["Flow ID"]] + " " + row[column["Timestamp"]] + " " + row[column["Flow Duration"]]
	}
	index := func(rows [][]string) map[string][][]string {
		m := map[string][][]string{}
		for _, row := range rows {
			m[key(row)] = append(m[key(row)], row)
		}
		for _, same := range m {
			sort.Slice(same, func(i, j int) bool { return strings.Join(same[i], ",") < strings.Join(same[j], ",") })
		}
		return m
	}
	wanted, gotten := index(want[1:]), index(got[1:])
	bad := 0
	report := func(format string, args ...any) {
		if bad++; bad <= 10 {
			t.Errorf(format, args...)
		}
	}
	for k, rows := range wanted {
		if len(gotten[k]) != len(rows) {
			report("%d rows for %s, want %d", len(gotten[k]), k, len(rows))
			continue
		}
		for i, row := range rows {
			for c := range row {
				if !sameCell(row[c], gotten[k][i][c]) {
					report("%s: %s = %s, want %s", k, want[0][c], gotten[k][i][c], row[c])
				}
			}
		}
	}
	for k, rows := range gotten {
		if len(wanted[k]) == 0 {
			report("%d rows too many for %s", len(rows), k)
		}
	}
	if bad > 10 {
		t.Errorf("and %d more", bad-10)
	}
}

func sameCell(want, got string) bool {
	if want == got {
		return true
	}
	w, err1 := strconv.ParseFloat(want, 64)
	g, err2 := strconv.ParseFloat(got, 64)
	if err1 != nil || err2 != nil {
		return false
	}
	if math.IsNaN(w) || math.IsNaN(g) {
		return math.IsNaN(w) && math.IsNaN(g)
	}
	return w == g || math.Abs(w-g) <= 1e-9*math.Max(math.Abs(w), math.Abs(g))
}
