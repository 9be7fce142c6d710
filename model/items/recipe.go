package items

import (
	"fmt"
	"math/bits"
	"strings"

	"detgen/internal/problem"
	"detgen/model"
	"detgen/packet"
)

// Recipe says how the steps of an item are made. Its name has its version: what a name stands for never changes.
type Recipe struct {
	Name    string
	Doc     string
	Kind    model.Kind
	Columns []Column
	Header  bool // it needs Packet.Header

	step func(p, before *Packet, row []float32)
}

// Column is a column of a recipe.
type Column struct {
	Name   string
	Doc    string
	Levels int // it holds whole numbers from 0 to Levels-1; 0: any number
}

// Names are the names of the columns.
func (r *Recipe) Names() []string {
	list := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		list[i] = c.Name
	}
	return list
}

// Levels of tokens.
const (
	flagLevels   = 16
	sizeLevels   = 16
	gapLevels    = 16
	windowLevels = 8
)

// recipes are all recipes, of each kind the usual one first.
var recipes = []*Recipe{
	{
		Name: "tokens1", Kind: model.Packets,
		Doc: "A row of whole numbers for each packet, one embedding each. No addresses, ports, sequence numbers, checksums or identifications.",
		Columns: []Column{
			{"direction", "0 from the client, 1 from the server", 2},
			{"flags", "SYN 1, FIN 2, RST 4, PSH 8, added up; 0 for a segment with none of them", flagLevels},
			{"size", "payload: 0 for none, else the number of bits of (bytes+31)/32, at most 7, and 8 more when the segment is full (1360 bytes or more)", sizeLevels},
			{"gap", "time since the packet before it: half the number of bits of its microseconds, rounded up", gapLevels},
			{"window", "unscaled window: half the number of its bits, rounded down, at most 7", windowLevels},
		},
		step: tokens,
	},
	{
		Name: "numbers1", Kind: model.Packets,
		Doc: "The same as numbers, for networks without embeddings.",
		Columns: []Column{
			{"direction", "1 from the client, -1 from the server", 0}, {"payload", "payload, as a share of 1460 bytes", 0}, {"gap", "ln(1 + microseconds since the packet before it), over 20", 0},
			{"window", "unscaled window over 65535", 0}, {"fin", "1 or 0", 0}, {"syn", "1 or 0", 0}, {"rst", "1 or 0", 0}, {"psh", "1 or 0", 0}, {"ack", "1 or 0", 0}, {"urg", "1 or 0", 0},
		},
		step: numbers,
	},
	{
		Name: "bytes54", Kind: model.Packets, Header: true, Columns: byteColumns(),
		Doc: "The first 54 bytes of each frame as they are (Hwang et al. 2019): Ethernet, IPv4 and TCP headers, zeros behind a shorter frame. Addresses are in it, so a model can learn who speaks instead of what.",
		step: func(p, _ *Packet, row []float32) {
			for i, b := range p.Header {
				row[i] = float32(b)
			}
		},
	},
	{
		Name: "bytes54-masked", Kind: model.Packets, Header: true, Columns: byteColumns(),
		Doc:  "The same with zeros for MAC and IP addresses, ports, IP identification, checksums, sequence and acknowledgement numbers.",
		step: maskedBytes,
	},
	{
		Name: "sessions1", Kind: model.Sessions,
		Doc: "A row for each of a host's connections, by their start: a new session begins 8 s or more after the start of the connection before it, or after 25 connections (Clausen et al., CBAM).",
		Columns: []Column{
			{"protocol", "IP protocol number", 256}, {"port", "port of the server", 1 << 16}, {"role", "1 when the host is the client, else 0", 2},
			{"bytes", "payload in both directions", 0}, {"gap", "seconds since the start of the connection before it; 0 for the first", 0},
		},
	},
}

func byteColumns() []Column {
	list := make([]Column, HeaderBytes)
	for i := range list {
		list[i] = Column{fmt.Sprintf("byte%d", i), "byte of the frame", 256}
	}
	return list
}

// Recipes lists all recipes.
func Recipes() []*Recipe { return recipes }

// RecipeOf gives the recipe of a kind with a name; "" is the usual one.
func RecipeOf(kind model.Kind, name string) (*Recipe, error) {
	var known []string
	for _, r := range recipes {
		if r.Kind == kind && (name == r.Name || name == "") {
			return r, nil
		}
		if r.Kind == kind {
			known = append(known, r.Name)
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("models of kind %s have no recipe", kind)
	}
	return nil, fmt.Errorf("recipe %q of kind %s: %s; there are %s", name, kind, problem.Nearest(name, known), strings.Join(known, ", "))
}

// Encode makes the steps of a trace: a row for each packet.
func (r *Recipe) Encode(t *Trace) [][]float32 {
	steps := make([][]float32, len(t.Packets))
	values := make([]float32, len(t.Packets)*len(r.Columns))
	for i := range t.Packets {
		steps[i], values = values[:len(r.Columns):len(r.Columns)], values[len(r.Columns):]
		before := &t.Packets[max(i-1, 0)]
		r.step(&t.Packets[i], before, steps[i])
	}
	return steps
}

// fullSegment is from how many bytes on a segment counts as full: what is left of an MTU of 1400 or more.
const fullSegment = 1360

func tokens(p, before *Packet, row []float32) {
	if !p.FromClient {
		row[0] = 1
	}
	for i, f := range []packet.TCPFlags{packet.SYN, packet.FIN, packet.RST, packet.PSH} {
		if p.Flags&f != 0 {
			row[1] += float32(int(1) << i)
		}
	}
	if p.Payload > 0 {
		size := min(bits.Len(uint(p.Payload+31)/32), 7)
		if p.Payload >= fullSegment {
			size += 8
		}
		row[2] = float32(size)
	}
	if us := (p.Time - before.Time) / 1000; us > 0 {
		row[3] = float32(min((bits.Len64(uint64(us))+1)/2, gapLevels-1))
	}
	row[4] = float32(min(bits.Len16(p.Window)/2, windowLevels-1))
}
