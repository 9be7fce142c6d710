// Package flowset reads tables of flows that anyone made into one form: CICFlowMeter's CSV in the spelling of any of
// its versions and of the CICIDS-2017 files, Zeek's conn.log, detgen's own tables, and captures, whose flows it
// measures itself. Columns have the names of detgen's mode default (docs/flow-features.md), so that two sets can be
// compared column by column.
package flowset

import (
	"math"
	"net/netip"

	"detgen/flow"
)

// Set is a table of flows, a row each. Slices of identity are empty when the table does not have that column.
type Set struct {
	Name    string   // of the file, as the user gave it
	Columns []Column // what was measured, in the file's order
	Label   []string // as written, trimmed: "BENIGN", "DoS Hulk"
	Split   []string // "train", "test", ...
	Run     []string // the run that a flow is of

	Source, Destination         []netip.Addr
	SourcePort, DestinationPort []uint16
	Protocol                    []uint8
	Start                       []int64  // ns since the Unix epoch; 0: not known
	Service                     []string // what dissection says, "" for nothing
	Server, Client              []string // captures: what the first bytes say of the programs at both ends
	rows                        int
}

// Column is a measured quantity. A value that the file does not have is NaN; infinities stay.
type Column struct {
	Name   string
	Values []float64
}

// Len is the number of flows.
func (s *Set) Len() int { return s.rows }

// Column gives the values of a column, nil when there is none of that name.
func (s *Set) Column(name string) []float64 {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return s.Columns[i].Values
		}
	}
	return nil
}

// Labels gives the rows of each label, in the order of first appearance.
func (s *Set) Labels() (names []string, rows map[string][]int) {
	rows = map[string][]int{}
	for i, l := range s.Label {
		if rows[l] == nil {
			names = append(names, l)
		}
		rows[l] = append(rows[l], i)
	}
	return names, rows
}

// Benign tells whether a label means that nothing is wrong. The corrected CICIDS-2017 files write "BENIGN", the
// grouped ones "Normal Traffic", detgen "benign"; Zeek and others "normal" or "background".
func Benign(label string) bool {
	switch flow.PlainName(label) {
	case "", "benign", "normal", "normaltraffic", "background", "nolabel":
		return true
	}
	return false
}

// finite tells whether a value is a number.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
