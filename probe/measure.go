package probe

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"detgen/packet"
	"detgen/truth"
)

// lines reads a table line by line, into cells that are good until the next one. A dataset's table of packets has
// gigabytes and hardly a quote, so lines without one are cut at their commas; the others go through encoding/csv.
type lines struct {
	in    *bufio.Reader
	cells [][]byte
	line  int
}

// next gives the cells of the next line; io.EOF at the end.
func (l *lines) next() ([][]byte, error) {
	text, err := l.in.ReadSlice('\n')
	if len(text) == 0 && err != nil {
		return nil, err
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("line %d: it has more than %d KiB, the most that is read", l.line+1, l.in.Size()>>10)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: %w", l.line+1, err)
	}
	l.line++
	text = bytes.TrimRight(text, "\r\n")
	l.cells = l.cells[:0]
	if bytes.IndexByte(text, '"') >= 0 {
		row, err := csv.NewReader(bytes.NewReader(text)).Read()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", l.line, err)
		}
		for _, c := range row {
			l.cells = append(l.cells, []byte(c))
		}
		return l.cells, nil
	}
	for {
		i := bytes.IndexByte(text, ',')
		if i < 0 {
			l.cells = append(l.cells, text)
			return l.cells, nil
		}
		l.cells = append(l.cells, text[:i])
		text = text[i+1:]
	}
}

// measureColumns are the columns that are looked at, in this order; run is the last one, which a single run lacks.
var measureColumns = []string{"connection", "direction", "side", "time", "flags", "tcp_exact", "tcp_class", "run"}

// measure reads a table of packets.
func measure(ctx context.Context, in io.Reader, run string, at map[string]*Measured) error {
	rows := &lines{in: bufio.NewReaderSize(in, 1<<20)}
	first, err := rows.next()
	if err != nil {
		return err
	}
	head := make([]string, len(first))
	for i, c := range first {
		head[i] = string(c)
	}
	var places []int
	for _, name := range measureColumns {
		i := slices.Index(head, name)
		if i < 0 && (name != "run" || run == "") {
			return fmt.Errorf("it has no column %q: make the dataset again with this detgen", name)
		}
		places = append(places, i)
	}
	syn := map[*Measured]int64{}
	key := []byte(run)
	for n := 0; ; n++ {
		cells, err := rows.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n%100_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if len(cells) != len(head) {
			return fmt.Errorf("line %d: it has %d cells, and there are %d columns", rows.line, len(cells), len(head))
		}
		cell := func(k int) []byte { return cells[places[k]] }
		if len(cell(0)) == 0 {
			continue
		}
		key = append(key[:0], run...)
		if run == "" {
			key = append(key, cell(7)...)
		}
		key = append(append(key, '/'), cell(0)...)
		m := at[string(key)]
		if m == nil {
			continue
		}
		sent := string(cell(1)) == "sent"
		if err := m.add(sent, string(cell(5)), cell(6)); err != nil {
			return fmt.Errorf("line %d: %w", rows.line, err)
		}
		// The round trip as the client saw it: from its SYN to the first answer.
		if f := cell(4); math.IsNaN(m.RTT) && bytes.IndexByte(f, 'S') >= 0 {
			t, err := strconv.ParseInt(string(cell(3)), 10, 64)
			if err != nil {
				return fmt.Errorf("line %d: time: %q is not a number", rows.line, cell(3))
			}
			switch side := string(cell(2)); {
			case sent && side == "client":
				syn[m] = t // of SYNs that were sent again, the last one
			case !sent && side == "server" && syn[m] != 0:
				m.RTT = float64(t-syn[m]) / 1e9
			}
		}
	}
}

// add counts a packet.
func (m *Measured) add(sent bool, exact string, class []byte) error {
	if sent {
		m.Packets++
		switch exact {
		case "", truth.New.String():
		case truth.Needed.String(), truth.Spurious.String(), truth.Partly.String():
			m.Retransmissions++
		default:
			return fmt.Errorf("tcp_exact: %q is not known", exact)
		}
		return nil
	}
	if len(class) == 0 {
		return nil
	}
	for _, name := range strings.Split(string(class), "|") {
		switch name {
		case packet.OutOfOrder.Name():
			m.OutOfOrder++
		case packet.DuplicateAck.Name():
			m.DuplicateAcks++
		}
	}
	return nil
}
