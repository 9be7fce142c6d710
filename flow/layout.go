package flow

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"detgen/table"
)

// ColumnSet says which columns a table of flows has and how they are called.
type ColumnSet uint8

// The column sets.
const (
	ToolColumns       ColumnSet = iota // those of the program that the mode follows; in mode Default all that are measured
	CICIDS2017Columns                  // the 85 of the CICIDS-17 files "TrafficLabelling", with their leading spaces and the repeated column
	MLColumns                          // the 79 of the CICIDS-17 files "MachineLearningCSV"
)

var columnSetNames = [...]string{ToolColumns: "tool", CICIDS2017Columns: "cicids2017", MLColumns: "ml"}

// String gives the name that ParseColumnSet reads.
func (c ColumnSet) String() string { return columnSetNames[c] }

// ParseColumnSet gives the column set of a name.
func ParseColumnSet(name string) (ColumnSet, error) {
	for c, n := range columnSetNames {
		if n == name {
			return ColumnSet(c), nil
		}
	}
	return 0, fmt.Errorf("columns %q: there are tool, cicids2017, ml", name)
}

// cell is what a column shows: a feature, or one of those below.
type cell uint8

const (
	cellFlowID cell = iota + cell(features)
	cellSource
	cellSourcePort
	cellDestination
	cellDestinationPort
	cellProtocol
	cellTimestamp
	cellCapture
	cellHandshake
	cellClosing
	cellEnd
	cellLabel
	cellRow
	cellAttempted
)

// identity are the columns before the features.
var identity = []struct {
	cell         cell
	name, cicids string
	kind         table.Kind
	doc          string
}{
	{cellFlowID, "Flow ID", "Flow ID", table.Text, "source-destination-source port-destination port-protocol of the connection's first packet (`cic2017`: the address that is lower as a row of signed bytes first)"},
	{cellSource, "Src IP", "Source IP", table.Text, "the sender of the first packet (`cic-fixed`, `default`: the receiver, when that is a SYN-ACK)"},
	{cellSourcePort, "Src Port", "Source Port", table.Int, "0 when the protocol has none"},
	{cellDestination, "Dst IP", "Destination IP", table.Text, "the other endpoint"},
	{cellDestinationPort, "Dst Port", "Destination Port", table.Int, "0 when the protocol has none"},
	{cellProtocol, "Protocol", "Protocol", table.Int, "`default`: the IP protocol's number; `cic2017`, `cic2021`: 6, 17, else 0; `cic-fixed`: 1, 2, 6, 17, 132, else 0"},
	{cellTimestamp, "Timestamp", "Timestamp", table.Text, "time of the first packet, UTC"},
}

// Layout is the columns of a table of flows.
type Layout struct {
	mode    Mode
	set     ColumnSet
	columns []table.Column
	cells   []cell
	whole   []bool // the column holds integers
	numbers []int  // how many features there are from here on, side by side, that are written as they are (Default)
}

// NewLayout gives the columns of a set for flows of a mode.
func NewLayout(mode Mode, set ColumnSet) *Layout {
	l := &Layout{mode: mode, set: set}
	if set == ToolColumns {
		l.tool()
	} else {
		l.cicids(set)
	}
	l.numbers = make([]int, len(l.cells)+1)
	for i, c := range slices.Backward(l.cells) {
		if mode == Default && c < cell(features) {
			l.numbers[i] = l.numbers[i+1] + 1
		}
	}
	return l
}

// tool lays out the columns of the program itself.
func (l *Layout) tool() {
	if l.mode == Default {
		l.add(cellCapture, table.Column{Name: "Capture", Kind: table.Text, Doc: "the capture's file name"})
	}
	if l.mode == CNS2022 {
		l.add(cellRow, table.Column{Name: "id", Kind: table.Int, Doc: "the row's number in the capture's table"})
	}
	for _, c := range identity {
		column := table.Column{Name: c.name, Kind: c.kind, Doc: c.doc}
		if l.mode == Default {
			column.Name = c.cicids
			if c.cell == cellTimestamp {
				column.Kind, column.Unit = table.Time, "ns"
			}
		}
		l.add(c.cell, column)
	}
	for i := feature(0); i < features; i++ {
		info := &featureInfos[i]
		name := info.name
		switch l.mode {
		case Default:
			name = info.cicids
		case CIC2017, CIC2021:
			if info.column == 0 {
				continue
			}
			if l.mode == CIC2017 {
				name = info.short
			}
		case CICFixed:
			if i > connectionTime {
				continue
			}
		case CNS2022:
			switch {
			case i == connectionTime:
				name = "Total TCP Flow Time"
			case i > icmpType || i == bwdDataPackets || i == bwdHeaderMin:
				continue
			}
		}
		if name != "" {
			l.add(cell(i), info.tableColumn(name))
		}
	}
	if l.mode == Default {
		l.add(cellHandshake, table.Column{Name: "Handshake", Kind: table.Text, Doc: "how much of TCP's handshake was captured: `missing`, `syn`, `syn_ack`, `complete`; empty when it is not TCP"})
		l.add(cellClosing, table.Column{Name: "Closing", Kind: table.Text, Doc: "how far the TCP connection was closed: `open`, `half`, `both` (FINs), `done` (both acknowledged), `reset`; empty when it is not TCP"})
		l.add(cellEnd, table.Column{Name: "End", Kind: table.Text, Doc: "why the flow ended: `open` (with the capture), `timeout`, `idle`, `reused`, `full` (`--max-flows`)"})
		return
	}
	l.add(cellLabel, table.Column{Name: "Label", Kind: table.Text, Doc: "a constant"})
	if l.mode == CNS2022 {
		l.add(cellAttempted, table.Column{Name: "Attempted Category", Kind: table.Int, Doc: "-1: no attempt that came to nothing"})
	}
}

// unspaced are the columns of the CICIDS-17 files whose names have no leading space.
var unspaced = map[string]bool{
	"Flow ID": true, "Total Length of Fwd Packets": true, "Bwd Packet Length Max": true, "Flow Bytes/s": true, "Fwd IAT Total": true,
	"Bwd IAT Total": true, "Fwd PSH Flags": true, "Fwd Packets/s": true, "FIN Flag Count": true, "Fwd Avg Bytes/Bulk": true,
	"Bwd Avg Bulk Rate": true, "Subflow Fwd Packets": true, "Init_Win_bytes_forward": true, "Active Mean": true, "Idle Mean": true,
}

// cicids lays out the columns of the CICIDS-17 files.
func (l *Layout) cicids(set ColumnSet) {
	add := func(c cell, column table.Column) {
		if !unspaced[column.Name] {
			column.Name = " " + column.Name
		}
		l.add(c, column)
	}
	for _, c := range identity {
		if set == MLColumns && c.cell != cellDestinationPort {
			continue
		}
		add(c.cell, table.Column{Name: c.cicids, Kind: c.kind, Doc: c.doc})
	}
	for i := feature(0); i < features; i++ {
		info := &featureInfos[i]
		if info.column == 0 {
			continue
		}
		add(cell(i), info.tableColumn(info.cicids))
		if i == bwdSegmentAverage {
			again := &featureInfos[fwdHeaderBytes]
			add(cell(fwdHeaderBytes), again.tableColumn(again.cicids))
		}
	}
	add(cellLabel, table.Column{Name: "Label", Kind: table.Text, Doc: "a constant"})
}

func (l *Layout) add(c cell, column table.Column) {
	l.cells = append(l.cells, c)
	l.whole = append(l.whole, column.Kind == table.Int)
	l.columns = append(l.columns, column)
}

func (i *featureInfo) tableColumn(name string) table.Column {
	doc := i.formula
	if i.differs != "" {
		doc += ". " + i.differs
	}
	return table.Column{Name: name, Kind: i.kind, Unit: i.unit, Doc: doc}
}

// Columns are the columns, in their order.
func (l *Layout) Columns() []table.Column { return l.columns }

// Write adds a row for a flow to a batch of a table with these columns.
func (l *Layout) Write(b *table.Batch, f *Flow, capture string) {
	l.Append(b, f, capture)
	b.EndRow()
}

// Append adds the cells for a flow to the current row of a batch.
func (l *Layout) Append(b *table.Batch, f *Flow, capture string) {
	l.append(b, f, capture, l.mode.label())
}

// WriteLabelled adds a row for a flow to a batch of a table with these columns, with a label instead of the program's
// constant, and the row's number where the columns have one.
func (l *Layout) WriteLabelled(b *table.Batch, f *Flow, label string, row uint64) {
	f.row = row
	l.append(b, f, "", label)
	b.EndRow()
}

func (l *Layout) append(b *table.Batch, f *Flow, capture, label string) {
	var v values
	f.measure(&v)
	var text [128]byte
	for i := 0; i < len(l.cells); i++ {
		c := l.cells[i]
		if n := l.numbers[i]; n > 0 {
			var row [features]float64
			for j, c := range l.cells[i : i+n] {
				row[j] = v[c].n
			}
			b.Numbers(row[:n])
			i += n - 1
			continue
		}
		if c < cell(features) {
			x := v[c]
			switch {
			case l.whole[i]:
				b.Int(int64(x.n))
			case x.whole:
				b.FloatAs(x.n, strconv.AppendInt(text[:0], int64(x.n), 10))
			case l.mode == CNS2022:
				b.FloatAs(x.n, appendPythonFloat(text[:0], x.n))
			default:
				b.FloatAs(x.n, appendJavaDouble(text[:0], x.n))
			}
			continue
		}
		switch c {
		case cellFlowID:
			b.TextBytes(f.appendID(text[:0]))
		case cellSource:
			b.Addr(f.Source().Addr())
		case cellSourcePort:
			b.Int(int64(f.Source().Port()))
		case cellDestination:
			b.Addr(f.Destination().Addr())
		case cellDestinationPort:
			b.Int(int64(f.Destination().Port()))
		case cellProtocol:
			b.Int(int64(f.key.protocol))
		case cellTimestamp:
			switch {
			case l.columns[i].Kind == table.Time:
				b.Time(f.Start())
			case l.mode == CIC2017 && l.set == CICIDS2017Columns: // as in most of the published files
				b.TextBytes(time.Unix(0, f.Start()).UTC().AppendFormat(text[:0], "2/1/2006 3:04"))
			default:
				b.TextBytes(f.appendTimestamp(text[:0]))
			}
		case cellCapture:
			b.Text(capture)
		case cellHandshake:
			b.Text(f.tcpState(f.handshake.String()))
		case cellClosing:
			b.Text(f.tcpState(f.shut.String()))
		case cellEnd:
			b.Text(f.reason.String())
		case cellLabel:
			b.Text(label)
		case cellRow:
			b.Int(int64(f.row))
		case cellAttempted:
			b.Int(-1)
		}
	}
}

// tcpState gives the state of a TCP connection, nothing for other flows.
func (f *Flow) tcpState(state string) string {
	if !f.analysed {
		return ""
	}
	return state
}

// label is what the mode's program prints as label.
func (m Mode) label() string {
	if m == CIC2017 {
		return "No Label"
	}
	return "NeedManualLabel"
}

// ID is the flow's name: addresses, ports and protocol. Flows of one connection have the same.
func (f *Flow) ID() string { return string(f.appendID(nil)) }

func (f *Flow) appendID(b []byte) []byte {
	first, second := f.Source(), f.Destination()
	if f.idIsDst {
		first, second = second, first
	}
	b = append(first.Addr().AppendTo(b), '-')
	b = append(second.Addr().AppendTo(b), '-')
	b = append(strconv.AppendUint(b, uint64(first.Port()), 10), '-')
	b = append(strconv.AppendUint(b, uint64(second.Port()), 10), '-')
	return strconv.AppendUint(b, uint64(f.key.protocol), 10)
}

// appendTimestamp writes the time of the first packet as the mode's program does where the local
// time is UTC.
func (f *Flow) appendTimestamp(b []byte) []byte {
	t := time.Unix(0, f.Start()).UTC()
	switch f.mode {
	case CIC2017: // 12 hours without AM or PM
		return t.AppendFormat(b, "02/01/2006 03:04:05")
	case CIC2021:
		return t.AppendFormat(b, "02/01/2006 03:04:05 PM")
	case CNS2022:
		return t.AppendFormat(b, "2006-01-02 15:04:05.000000")
	}
	b = t.AppendFormat(b, "2006-01-02 15:04:05")
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return b
	case ns%1e6 == 0:
		return t.AppendFormat(b, ".000")
	case ns%1e3 == 0:
		return t.AppendFormat(b, ".000000")
	}
	return t.AppendFormat(b, ".000000000")
}

// Statistics is the number of CICFlowMeter's columns that are statistics of a flow: 8 to 83, from Flow
// Duration to Idle Min.
const Statistics = 76

// statistics are those features.
var statistics = func() (list [Statistics]feature) {
	n := 0
	for i := range featureInfos {
		if featureInfos[i].column != 0 {
			list[n] = feature(i)
			n++
		}
	}
	return list
}()

// StatisticNames are their names, as upstream's last version calls them.
func StatisticNames() []string {
	names := make([]string, Statistics)
	for i, s := range statistics {
		names[i] = featureInfos[s].name
	}
	return names
}

// Vector gives the statistics of the flow as its mode computes them, in the order of StatisticNames. In CIC2017 and
// CIC2021 rates can be infinite and NaN.
func (f *Flow) Vector() (vector [Statistics]float64) {
	var v values
	f.measure(&v)
	for i, s := range statistics {
		vector[i] = v[s].n
	}
	return vector
}
