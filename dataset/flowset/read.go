package flowset

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"detgen/flow"
	"detgen/internal/beneath"
	"detgen/packet"
	"detgen/table"
)

// MaxRows is how many flows one set may have: 100 columns of so many take 8 GB.
const MaxRows = 10_000_000

// Read reads a table of flows or a capture (pcap, pcapng, also compressed). Which it is, its first bytes say. The error
// names the file and, for a table, line and column.
func Read(ctx context.Context, path string) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file: give a table of flows (CSV, Zeek's conn.log) or a capture", path)
	}
	captured, err := packet.Open(path)
	if err == nil {
		defer captured.Close()
		return measure(ctx, path, captured)
	}
	if !errors.Is(err, packet.ErrNotCapture) {
		return nil, err
	}
	f, err := beneath.OpenNamed(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	if first, err := in.Peek(1); err == nil && first[0] == '#' {
		return readZeek(path, in)
	}
	return readCSV(path, in)
}

// measure measures the flows of a capture, in mode default.
func measure(ctx context.Context, path string, captured flow.Source) (*Set, error) {
	layout := flow.NewLayout(flow.Default, flow.ToolColumns)
	var text bytes.Buffer
	out, err := table.New(&text, table.CSV, layout.Columns())
	if err != nil {
		return nil, err
	}
	sniffed := &sniffer{Source: captured, first: map[endpoints]*payload{}}
	err = flow.Write(ctx, sniffed, flow.NewOptions(flow.Default), 1, layout, out, []string{filepath.Base(path)})
	var links *packet.LinkError
	if err != nil && !errors.As(err, &links) {
		out.Abort()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	s, err := readCSV(path, &text)
	if err != nil {
		return nil, err
	}
	s.Service, s.Server, s.Client = make([]string, s.Len()), make([]string, s.Len()), make([]string, s.Len())
	for i := range s.Service {
		client, server := netip.AddrPortFrom(s.Source[i], s.SourcePort[i]), netip.AddrPortFrom(s.Destination[i], s.DestinationPort[i])
		s.Service[i], s.Server[i], s.Client[i] = sniffed.of(client, server, s.Protocol[i])
	}
	return s, nil
}

// readCSV reads a table with a line of names.
func readCSV(path string, in io.Reader) (*Set, error) {
	lines := table.ReadRows(in)
	lines.ReuseRecord = true
	lines.LazyQuotes = true // the published files have stray quotes
	head, err := lines.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b := newBuilder(path, head)
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return b.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := lines.FieldPos(0)
		if err := b.add(line, cells); err != nil {
			return nil, err
		}
	}
}

// readZeek reads Zeek's tab-separated log, whose header has the names behind "#fields".
func readZeek(path string, in io.Reader) (*Set, error) {
	var b *builder
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if fields, ok := strings.CutPrefix(text, "#fields\t"); ok {
			b = newBuilder(path, strings.Split(fields, "\t"))
			b.seconds = true
			continue
		}
		if strings.HasPrefix(text, "#") || text == "" {
			continue
		}
		if b == nil {
			return nil, fmt.Errorf("%s:%d: a row before the line \"#fields\"", path, n)
		}
		cells := strings.Split(text, "\t")
		for i, c := range cells {
			if c == "-" || c == "(empty)" {
				cells[i] = ""
			}
		}
		if err := b.add(n, cells); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if b == nil {
		return nil, fmt.Errorf("%s: no line \"#fields\": it is not one of Zeek's logs", path)
	}
	return b.finish()
}

// builder fills a set row by row.
type builder struct {
	set     *Set
	names   []string
	roles   []role
	at      []int    // of a measured column: its index in set.Columns
	numbers []bool   // of a measured column: a number was seen
	family  []string // detgen's tables: of attacks
	seconds bool     // times and durations are in seconds (Zeek), else durations in us (CICFlowMeter)
}

// newBuilder makes a set for a table with these names. A name or a role that comes twice counts once, as the CICIDS-2017 files
// repeat one ("Fwd Header Length").
func newBuilder(path string, head []string) *builder {
	b := &builder{set: &Set{Name: path}, names: make([]string, len(head)), roles: make([]role, len(head)), at: make([]int, len(head)), numbers: make([]bool, len(head))}
	seen := map[string]bool{}
	for i, written := range head {
		name := strings.TrimSpace(strings.TrimPrefix(written, "\ufeff"))
		short := flow.PlainName(name)
		b.names[i] = name
		if r, ok := roles[short]; ok {
			if b.roles[i] = r; slices.Contains(b.roles[:i], r) {
				b.roles[i] = ignored // detgen's datasets have a label and a class: the first one counts
			}
			continue
		}
		if base, n, ok := strings.Cut(name, "."); ok && n == "1" { // as pandas names a repeated one
			name = base
		}
		name = flow.CommonName(name)
		// A dot is in the names of factors alone (params.tls, link.all.both.loss): what was set is no feature of a flow.
		if seen[name] || strings.Contains(name, ".") {
			b.roles[i] = ignored
			continue
		}
		seen[name] = true
		b.at[i] = len(b.set.Columns)
		b.set.Columns = append(b.set.Columns, Column{Name: name})
	}
	return b
}

// finish gives the set, without the columns that turned out to be words. In detgen's tables an attack's label is its
// family.
func (b *builder) finish() (*Set, error) {
	s := b.set
	for i, family := range b.family {
		if family != "" && len(s.Label) > i && s.Label[i] == "attack" {
			s.Label[i] = family
		}
	}
	s.Columns = slices.DeleteFunc(s.Columns, func(c Column) bool { return c.Name == "" })
	if len(s.Columns) < 2 {
		return nil, fmt.Errorf("%s: it has %d columns of numbers: give a table of flows with a line of names (CICFlowMeter's CSV, Zeek's conn.log), or a capture", s.Name, len(s.Columns))
	}
	if s.rows == 0 {
		return nil, fmt.Errorf("%s: it has no flow", s.Name)
	}
	return s, nil
}

// add adds a row.
func (b *builder) add(line int, cells []string) error {
	s := b.set
	if len(cells) != len(b.names) {
		return fmt.Errorf("%s:%d: %d cells, and the first line has %d names", s.Name, line, len(cells), len(b.names))
	}
	if s.rows == MaxRows {
		return fmt.Errorf("%s:%d: more than %d flows: split the file", s.Name, line, MaxRows)
	}
	for i, text := range cells {
		text = strings.TrimSpace(text)
		if err := b.cell(i, text); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", s.Name, line, b.names[i], err)
		}
	}
	s.rows++
	return nil
}

func (b *builder) cell(i int, text string) (err error) {
	s := b.set
	switch b.roles[i] {
	case measured:
		c := &s.Columns[b.at[i]]
		x, err := value(text)
		switch {
		case err != nil && !b.numbers[i]:
			b.roles[i], c.Name = ignored, "" // a column of words, which is left out
			return nil
		case err != nil:
			return err
		case !math.IsNaN(x):
			b.numbers[i] = true
		}
		if b.seconds && c.Name == "Flow Duration" {
			x *= 1e6
		}
		c.Values = append(c.Values, x)
	case label:
		s.Label = append(s.Label, valid(text))
	case family:
		b.family = append(b.family, text)
	case split:
		s.Split = append(s.Split, valid(text))
	case run:
		s.Run = append(s.Run, valid(text))
	case serviceName:
		s.Service = append(s.Service, valid(text))
	case source:
		s.Source, err = appendAddress(s.Source, text)
	case destination:
		s.Destination, err = appendAddress(s.Destination, text)
	case sourcePort:
		s.SourcePort, err = appendPort(s.SourcePort, text)
	case destinationPort:
		s.DestinationPort, err = appendPort(s.DestinationPort, text)
	case protocol:
		var p uint8
		p, err = protocolNumber(text)
		s.Protocol = append(s.Protocol, p)
	case start:
		var t int64
		t, err = when(text)
		s.Start = append(s.Start, t)
	}
	return err
}

// value reads a number; an empty cell, and what the tools write for none, is NaN.
func value(text string) (float64, error) {
	switch strings.ToLower(text) {
	case "", "nan", "-":
		return math.NaN(), nil
	case "infinity", "inf", "+inf":
		return math.Inf(1), nil
	case "-infinity", "-inf":
		return math.Inf(-1), nil
	case "true", "t":
		return 1, nil
	case "false", "f":
		return 0, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return x, nil
}

// valid gives text that is UTF-8: the original CICIDS-2017 files have a byte of another code in labels.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text, "\ufffd")
}

func appendAddress(list []netip.Addr, text string) ([]netip.Addr, error) {
	if text == "" {
		return append(list, netip.Addr{}), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return list, fmt.Errorf("%q is not an IP address", text)
	}
	return append(list, a), nil
}

func appendPort(list []uint16, text string) ([]uint16, error) {
	if text == "" {
		return append(list, 0), nil
	}
	text = strings.TrimSuffix(text, ".0") // as pandas writes a column that once had an empty cell
	p, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return list, fmt.Errorf("%q is not a port", text)
	}
	return append(list, uint16(p)), nil
}

// protocolNumber reads an IP protocol, by number or as Zeek names it.
func protocolNumber(text string) (uint8, error) {
	switch strings.ToLower(text) {
	case "":
		return 0, nil
	case "icmp":
		return 1, nil
	case "tcp":
		return 6, nil
	case "udp":
		return 17, nil
	case "icmp6", "ipv6-icmp":
		return 58, nil
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, ".0"), 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is not an IP protocol", text)
	}
	return uint8(n), nil
}

// layouts are the forms of a time in published tables: the corrected release, CICFlowMeter's, the original files'
// (day first, a 12-hour clock without AM and PM).
var layouts = []string{
	"2006-01-02 15:04:05.999999999", time.RFC3339Nano, "02/01/2006 03:04:05 PM", "02/01/2006 15:04:05", "2/1/2006 15:04", "2/1/2006 3:04",
}

// when reads a time as ns since the Unix epoch: ns, seconds with a fraction, or one of the forms above, in UTC.
func when(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil && finite(x) && math.Abs(x) < 9e9 {
		return int64(x * 1e9), nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixNano(), nil
		}
	}
	return 0, fmt.Errorf("%q is not a time: want ns, seconds, or a form such as 2017-07-07 12:59:50.315195", text)
}
