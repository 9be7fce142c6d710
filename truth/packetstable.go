package truth

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"detgen/packet"
	"detgen/table"
)

// PacketColumns are the columns of packets.csv, a row for each frame of each capture.
func PacketColumns() []table.Column {
	list := make([]table.Column, len(packetColumns))
	for i, c := range packetColumns {
		list[i] = c.Column
	}
	return list
}

// LabelColumns are those of PacketColumns that a frame alone does not tell, for tables with columns
// of their own before them.
func LabelColumns() []table.Column {
	list := make([]table.Column, len(labelColumns))
	for i, c := range labelColumns {
		list[i] = c.Column
	}
	return list
}

// PutLabels adds the cells of LabelColumns for a frame.
func (t *Truth) PutLabels(b *table.Batch, r Ref) {
	f := t.Frame(r)
	for i := range labelColumns {
		labelColumns[i].put(b, t, r, f)
	}
}

// packetColumn is a column and how to fill it. show is nil where only tables have it; it gives the text that a comment of
// pcapng has, "" for none.
type packetColumn struct {
	table.Column
	put  func(b *table.Batch, t *Truth, r Ref, f *Frame)
	show func(t *Truth, r Ref, f *Frame) string
}

func text(name, doc string, get func(t *Truth, r Ref, f *Frame) string) packetColumn {
	return packetColumn{table.Column{Name: name, Kind: table.Text, Doc: doc},
		func(b *table.Batch, t *Truth, r Ref, f *Frame) { b.Text(get(t, r, f)) }, get}
}

func number(name, unit, doc string, get func(t *Truth, r Ref, f *Frame) int64) packetColumn {
	return packetColumn{table.Column{Name: name, Kind: table.Int, Unit: unit, Doc: doc},
		func(b *table.Batch, t *Truth, r Ref, f *Frame) { b.Int(get(t, r, f)) },
		func(t *Truth, r Ref, f *Frame) string { return strconv.FormatInt(get(t, r, f), 10) }}
}

// optional is a number that some frames do not have.
func optional(name, unit, doc string, get func(t *Truth, r Ref, f *Frame) (int64, bool)) packetColumn {
	return packetColumn{table.Column{Name: name, Kind: table.Int, Unit: unit, Doc: doc, Optional: true},
		func(b *table.Batch, t *Truth, r Ref, f *Frame) {
			if v, ok := get(t, r, f); ok {
				b.Int(v)
			} else {
				b.Null()
			}
		},
		func(t *Truth, r Ref, f *Frame) string {
			if v, ok := get(t, r, f); ok {
				return strconv.FormatInt(v, 10)
			}
			return ""
		}}
}

func ifTCP(get func(f *Frame) int64) func(t *Truth, r Ref, f *Frame) (int64, bool) {
	return func(t *Truth, r Ref, f *Frame) (int64, bool) { return get(f), f.IsTCP() }
}

// IsTCP reports whether a frame has a TCP header.
func (f *Frame) IsTCP() bool {
	return f.IPVersion != 0 && f.Protocol == packet.ProtocolTCP && f.Fragment != packet.LaterFragment
}

// packetColumns are all columns of packets.csv.
var packetColumns = slices.Concat(placeColumns, labelColumns, headerColumns)

// labelColumns are the truth about a frame.
var labelColumns = slices.Concat(whoseColumns, packetLabels(), fateColumns)

// packetLabels are the columns of the labels.
func packetLabels() []packetColumn {
	list := make([]packetColumn, len(labels))
	for i, l := range labels {
		list[i] = text(l.name, l.doc, func(t *Truth, r Ref, f *Frame) string { return l.of(t, t.labelledFrame(f)) })
	}
	return list
}

// placeColumns say which frame it is.
var placeColumns = []packetColumn{
	text("capture", "Capture file, in the run directory.", func(t *Truth, r Ref, f *Frame) string { return t.Captures[r.Capture()].File }),
	number("number", "", "Number of the frame in the capture, from 1.", func(t *Truth, r Ref, f *Frame) int64 { return int64(r.Index() + 1) }),
	{table.Column{Name: "time", Kind: table.Time, Unit: "ns", Doc: "When it was captured, since the Unix epoch."},
		func(b *table.Batch, t *Truth, r Ref, f *Frame) { b.Time(f.Time) }, nil},
}

// whoseColumns are between whom a frame goes.
var whoseColumns = []packetColumn{
	text("direction", "`sent` or `received` by the host of the capture; `tapped`: seen at a network's switch.", func(t *Truth, r Ref, f *Frame) string { return t.direction(r, f) }),
	optional("connection", "", "`id` in `connections.csv`; empty for frames of none (ARP, neighbour discovery).", func(t *Truth, r Ref, f *Frame) (int64, bool) {
		return int64(f.Connection) + 1, f.Connection >= 0
	}),
	text("side", "Which side of the connection it comes from: `client`, `server`, or empty.", func(t *Truth, r Ref, f *Frame) string {
		switch {
		case f.Connection < 0:
			return ""
		case f.FromClient:
			return "client"
		}
		return "server"
	}),
	text("src_host", "Host that made it; empty when none has its source address.", func(t *Truth, r Ref, f *Frame) string { return t.from(f) }),
	text("dst_host", "Host that it is for; empty when none has its destination address.", func(t *Truth, r Ref, f *Frame) string { return t.to(f) }),
}

// fateColumns are what a frame is for and what became of it.
var fateColumns = []packetColumn{
	text("process", "What opened the connection: `task`, `service`, `load`, `kernel` (no process did), `system` (of a virtual machine: none of the run's), or empty when the run has no owners.", func(t *Truth, r Ref, f *Frame) string {
		return t.process(f)
	}),
	text("phase", "Phase of the activity in which it was sent.", func(t *Truth, r Ref, f *Frame) string { return t.Phases[f.Phase] }),
	text("span", "Part of the run in which it was sent: `setup`, `warmup`, `main` or `drain`.", func(t *Truth, r Ref, f *Frame) string { return f.Span.String() }),
	text("kind", "What it is for: `handshake`, `data`, `ack`, `close` (TCP), `datagram`, `icmp`, `error` (ICMP), `arp`, `neighbour` (IPv6: neighbour discovery and multicast listeners) or `other`.", func(t *Truth, r Ref, f *Frame) string {
		return f.Kind.String()
	}),
	text("fate", "Of a sent frame `delivered`, `corrupted`, `lost` or `partial`; of a received one `delivered`, `corrupted`, `duplicate` or `unsent`; of a tapped one the same, as it came into the switch. See above.", func(t *Truth, r Ref, f *Frame) string {
		return f.Fate.String()
	}),
	text("cause", "Why, by the links' log: `HOST.up` or `HOST.down` and what it did; empty when nothing, or without a log.", func(t *Truth, r Ref, f *Frame) string {
		return t.Causes[f.Cause]
	}),
	optional("delay", "ns", "One-way delay; of a sent frame that of its first reception.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return t.Delay(r) }),
	text("peer_capture", "Capture of the frame at the other end: for a received frame the one that was sent, for a sent one its first reception; empty when there is none.", func(t *Truth, r Ref, f *Frame) string {
		if !f.Peer.Some() {
			return ""
		}
		return t.Captures[f.Peer.Capture()].File
	}),
	optional("peer_number", "", "Number of that frame.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.Peer.Index()) + 1, f.Peer.Some() }),
	text("hop_capture", "At a host that forwards: capture of the frame that a received one was sent on as, or that a sent one had been received as.", func(t *Truth, r Ref, f *Frame) string {
		if !f.Hop.Some() {
			return ""
		}
		return t.Captures[f.Hop.Capture()].File
	}),
	optional("hop_number", "", "Number of that frame.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.Hop.Index()) + 1, f.Hop.Some() }),
	number("copy", "", "Of a received frame which copy at this host it is, from 1; of a sent one how many copies a host got (the most of any).", func(t *Truth, r Ref, f *Frame) int64 {
		return int64(f.Copy)
	}),
	number("overtaken", "frames", "How many frames of its sender were sent after it and arrived before it.", func(t *Truth, r Ref, f *Frame) int64 { return int64(f.Overtaken) }),
	text("damage", "Flipped bits, `octet.bit` from 0 and separated by spaces; of a sent frame those of its first reception.", func(t *Truth, r Ref, f *Frame) string {
		return t.damageText(r)
	}),
	optional("receivers", "hosts", "Of a sent frame: hosts that should get it.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.Receivers), f.Sent }),
	optional("arrived", "hosts", "Of a sent frame: those of them that got it undamaged.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.Arrived), f.Sent }),
	optional("up_queue", "frames", "Frames that the sender's link held when it came, by the links' log.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.UpQueue), f.UpQueue >= 0 }),
	optional("down_queue", "frames", "The same for the receiver's link.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.DownQueue), f.DownQueue >= 0 }),
	text("tcp_exact", "What the segment really is, by all that its sender sent and what of that arrived: `new`, `retransmission` (of something that had not arrived), `spurious_retransmission`, `partial` (old and new); empty without sequence numbers.", func(t *Truth, r Ref, f *Frame) string {
		return f.Exact.String()
	}),
}

// headerColumns are what the frame says about itself, as captured.
var headerColumns = []packetColumn{
	number("length", "bytes", "Whole frame on the wire, without frame check sequence.", func(t *Truth, r Ref, f *Frame) int64 { return int64(f.Length) }),
	number("payload", "bytes", "Payload of the transport protocol.", func(t *Truth, r Ref, f *Frame) int64 { return int64(f.Payload) }),
	number("ethertype", "", "EtherType, after VLAN tags.", func(t *Truth, r Ref, f *Frame) int64 { return int64(f.EtherType) }),
	optional("protocol", "", "IP protocol number.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.Protocol), f.IPVersion != 0 }),
	{table.Column{Name: "src", Kind: table.Text, Doc: "Source address (of IP or ARP), as captured."},
		func(b *table.Batch, t *Truth, r Ref, f *Frame) { b.Addr(f.Source()) }, nil},
	{table.Column{Name: "dst", Kind: table.Text, Doc: "Destination address, as captured."},
		func(b *table.Batch, t *Truth, r Ref, f *Frame) { b.Addr(f.Destination()) }, nil},
	optional("src_port", "", "Source port, as captured.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.SrcPort), f.ported() }),
	optional("dst_port", "", "Destination port, as captured.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.DstPort), f.ported() }),
	optional("ttl", "", "IP time to live or hop limit.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.TTL), f.IPVersion != 0 }),
	optional("ip_id", "", "IPv4 identification.", func(t *Truth, r Ref, f *Frame) (int64, bool) { return int64(f.IPID), f.IPVersion == 4 }),
	text("flags", "TCP flags: letters of `FSRPAUEC`.", func(t *Truth, r Ref, f *Frame) string {
		return f.FlagText()
	}),
	optional("seq", "", "TCP sequence number.", ifTCP(func(f *Frame) int64 { return int64(f.Seq) })),
	optional("ack", "", "TCP acknowledgement number.", ifTCP(func(f *Frame) int64 { return int64(f.Ack) })),
	text("tcp_class", "What Wireshark's TCP analysis of this capture alone says: `retransmission`, `out_of_order` and so on (packets.md names them), separated by vertical bars.", func(t *Truth, r Ref, f *Frame) string {
		return classNames(f.Classes)
	}),
	text("tcp_seen", "How much of the segment's sequence numbers this capture has seen before: `none`, `part`, `all`; empty when it has none.", func(t *Truth, r Ref, f *Frame) string {
		return f.Seen.String()
	}),
	optional("window", "", "TCP window, unscaled.", ifTCP(func(f *Frame) int64 { return int64(f.Window) })),
}

// direction is what the host of the capture did with a frame.
func (t *Truth) direction(r Ref, f *Frame) string {
	switch {
	case f.Sent:
		return "sent"
	case t.Captures[r.Capture()].IsTap():
		return "tapped"
	}
	return "received"
}

// ported reports whether a frame shows ports.
func (f *Frame) ported() bool {
	return f.IPVersion != 0 && hasPorts(f.Protocol) && f.Fragment != packet.LaterFragment
}

// FlagText gives the letters of a TCP segment's flags, of "FSRPAUEC"; "" for other frames.
func (f *Frame) FlagText() string {
	if !f.IsTCP() {
		return ""
	}
	return flagText[f.Flags&0xff]
}

// flagText is the letters for each set of TCP flags.
var flagText = func() (texts [256]string) {
	for flags := range texts {
		for bit, letter := range "FSRPAUEC" {
			if flags>>bit&1 != 0 {
				texts[flags] += string(letter)
			}
		}
	}
	return texts
}()

// from names the host that made a frame.
func (t *Truth) from(f *Frame) string { return t.net.host(t.undamaged(f).Source()) }

// to names the host that a frame is for.
func (t *Truth) to(f *Frame) string { return t.net.host(t.undamaged(f).Destination()) }

// undamaged is the frame as it was sent, as far as that is known.
func (t *Truth) undamaged(f *Frame) *Frame {
	if !f.Sent && f.Peer.Some() {
		return t.Frame(f.Peer)
	}
	return f
}

// process is the class of the process that opened a frame's connection.
func (t *Truth) process(f *Frame) string {
	if f.Connection < 0 {
		return ""
	}
	c := &t.Connections[f.Connection]
	switch {
	case len(t.Record.Result.Owners) == 0:
		return ""
	case c.Program == "" && t.Record.Result.Systems:
		return "system"
	case c.Program == "":
		return "kernel"
	case c.Program == "load":
		return "load"
	}
	for i := range t.Record.Run.Activities {
		if t.Record.Run.Activities[i].Name == c.Program {
			return "task"
		}
	}
	return "service"
}

// WritePackets writes a row for each frame of each capture to the file at path.
func (t *Truth) WritePackets(path string, format table.Format) error {
	file, err := table.Create(path, format, PacketColumns())
	if err != nil {
		return err
	}
	defer file.Abort()
	for i, c := range t.Captures {
		err := writeRows(file, len(c.Frames), func(b *table.Batch, j int) {
			r, f := NewRef(i, j), &c.Frames[j]
			for k := range packetColumns {
				packetColumns[k].put(b, t, r, f)
			}
			b.EndRow()
		})
		if err != nil {
			return fmt.Errorf("write %s: %w", filepath.Base(path), err)
		}
	}
	return file.Close()
}

// rowsPerBatch is how many rows a goroutine makes at a time.
const rowsPerBatch = 2048

// writeRows writes n rows, which row adds to a batch, in order. row is called by several
// goroutines at once.
func writeRows(file *table.File, n int, row func(b *table.Batch, i int)) error {
	out := table.NewOrdered(file, runtime.GOMAXPROCS(0))
	for start := 0; start < n && out.Err() == nil; start += rowsPerBatch {
		out.Add(func(b *table.Batch) {
			for i := start; i < min(n, start+rowsPerBatch); i++ {
				row(b, i)
			}
		})
	}
	return out.Close()
}

// damageText writes the flipped bits of a received frame, or of a sent frame's first reception.
func (t *Truth) damageText(r Ref) string {
	f := t.Frame(r)
	if f.Sent {
		if r = f.Peer; !r.Some() {
			return ""
		}
	}
	bits := t.Damage(r)
	if bits == nil {
		return ""
	}
	var b []byte
	for i, bit := range bits {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, int64(bit/8), 10)
		b = append(b, '.', byte('0'+bit%8))
	}
	return string(b)
}

// classNames joins the names of classes.
func classNames(c packet.Class) string {
	if c&(c-1) == 0 {
		return c.Name()
	}
	var names []string
	for _, one := range packet.Classes() {
		if c&one != 0 {
			names = append(names, one.Name())
		}
	}
	return strings.Join(names, "|")
}
