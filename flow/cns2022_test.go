package flow

import (
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"detgen/internal/oracle"
)

// TestCNS2022 gives the rows that the corrected release of CICIDS-2017 has for the connections whose packets are there:
// all columns but the row's number and the label, which its authors gave. The release's numbers went through a program
// that reads decimals to 15 or 16 digits, so the last digit may be another.
func TestCNS2022(t *testing.T) {
	dir := oracle.Data(t, "nids-data/cicids2017-sqli")
	published, measured := readTable(t, filepath.Join(dir, "corrected-91-columns.csv")), measureFile(t, filepath.Join(dir, "sqli.pcap"), NewOptions(CNS2022), ToolColumns)
	if !slices.Equal(published[0], measured[0]) {
		t.Fatalf("columns:\n%q\nwant\n%q", measured[0], published[0])
	}
	if len(measured) != 10 {
		t.Fatalf("%d rows", len(measured)-1)
	}
	name, at := slices.Index(published[0], "Flow ID"), slices.Index(published[0], "Timestamp")
	for i, row := range measured[1:] {
		if row[0] != strconv.Itoa(i+1) {
			t.Errorf("row %d has the id %s", i+1, row[0])
		}
		where := slices.IndexFunc(published, func(p []string) bool { return p[name] == row[name] && p[at] == row[at] })
		if where < 0 {
			t.Errorf("%s, %s is not published", row[name], row[at])
			continue
		}
		for j, column := range published[0] {
			if want := published[where][j]; column != "id" && column != "Label" && !sameNumber(row[j], want) {
				t.Errorf("%s: %s is %s, published %s", row[name], column, row[j], want)
			}
		}
	}
}

// sameNumber tells whether two cells have the same text, or decimals that differ in the 16th digit at most.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-15*math.Abs(y) && math.Trunc(y) != y
}

// TestCNS2022Rules has no row for one packet, a subflow for each packet, whole numbers of bulks, and a connection's time
// over its flows for TCP only.
func TestCNS2022Rules(t *testing.T) {
	const s = time.Second
	c := talking(func(t *talk) {
		for i := range time.Duration(5) {
			t.datagram(s+i*s/10, true, 101)
		}
		t.datagram(2*s, false, 10)
		t.a(3*s, psh|ack, 1, 1, 500, 18)
		t.b(4*s, ack, 1, 19, 400, 0)
		t.b(5*s, psh|ack, 1, 19, 0, 9)
		t.b(124*s, ack, 1, 19, 300, 0)
		t.b(125*s, ack, 1, 19, 200, 0)
		t.a(300*s, ack, 1, 1, 500, 0)
	})
	o := NewOptions(CNS2022)
	for at, want := range map[feature][]float64{
		fwdPackets:        {1, 0, 5},
		subflowFwdPackets: {0, 0, 0},
		subflowFwdBytes:   {6, 0, 505 / 6},
		fwdBulkBytes:      {0, 0, 505},
		fwdBulkRate:       {0, 0, 1262},
		bwdWindow:         {0, 200, 0},
		connectionTime:    {2e6, 122e6, 0},
	} {
		if got := featureOf(t, c, o, at); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", featureInfos[at].name, got, want)
		}
	}
}

// TestPublished2017 gives the rows that the original release of CICIDS-2017 has for the same packets, in mode CIC2017:
// all numbers to the release's ten digits, and the time in its form, which is of a clock three hours behind UTC.
func TestPublished2017(t *testing.T) {
	dir := oracle.Data(t, "nids-data/cicids2017-sqli")
	published := readTable(t, filepath.Join(dir, "original-85-columns.csv"))[1:]
	measured := measureFile(t, filepath.Join(dir, "sqli.pcap"), NewOptions(CIC2017), CICIDS2017Columns)[1:]
	found := 0
	for _, row := range measured {
		// Two flows of a connection have the same ID: they differ in their durations.
		where := slices.IndexFunc(published, func(p []string) bool { return p[0] == row[0] && nearly(row[7], p[7]) })
		if where < 0 {
			continue
		}
		found++
		for i, want := range published[where][:84] {
			if i == 6 {
				ours, err1 := time.Parse("2/1/2006 3:04", row[i])
				theirs, err2 := time.Parse("2/1/2006 15:04", want)
				if err1 != nil || err2 != nil || ours.Format("2 3:04") != theirs.Add(3*time.Hour).Format("2 3:04") {
					t.Errorf("%s: time %s, published %s", row[0], row[i], want)
				}
			} else if row[i] != want && !nearly(row[i], want) {
				t.Errorf("%s: column %d is %s, published %s", row[0], i+1, row[i], want)
			}
		}
	}
	if found != 16 {
		t.Errorf("%d rows are published, of %d", found, len(measured))
	}
}

// nearly tells whether two cells are the same number to nine digits.
func nearly(a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && math.Abs(x-y) <= 1e-9*math.Abs(y)
}
