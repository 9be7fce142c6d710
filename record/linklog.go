package record

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// LinkLog is what the soft link driver did to every frame: the oracle for the fate of frames.
// The events are in the order in which frames came into lines. Processors that send at once may
// capture frames in another order than the line gets them, and a full device queue drops frames
// that were captured: a captured frame is found in the log by its checksum, those of equal
// checksum by their order (the down line's by Out, which no two events share).
type LinkLog struct {
	Start  time.Time   `json:"start"` // what the events' times count from
	Seed   uint64      `json:"seed"`
	Lines  []LinkLine  `json:"lines"`
	Events []LinkEvent `json:"-"`
}

// LinkLine names one direction of one interface.
type LinkLine struct {
	Host      string    `json:"host"`
	Interface string    `json:"interface"`
	Direction Direction `json:"direction"`
}

// LinkEvent is one frame, or one copy of it, on one line. Times are ns since the log's start.
type LinkEvent struct {
	Line       uint16    // index in the log's lines
	OriginLine uint16    // the up line that the frame came in by
	Frame      uint32    // its number on the line, from 1; a copy has its original's
	Origin     uint32    // its number on OriginLine
	In         int64     // it came
	Due        int64     // it was to leave
	Out        int64     // it left; 0 when it never did
	Delay      int64     // drawn; Due - In differs where rate, order of overtaking or an intervention has a say
	Length     uint32    // bytes
	Sum        uint32    // CRC-32C of the frame as it came
	Queue      uint32    // frames that the line held when it came
	Bit        uint32    // the bit that was flipped: 8 x octet + bit of the octet, when Corrupted
	Fate       LineFate  // what became of it on this line
	Marks      LinkMarks // what else was done to it
}

// LineFate is what became of a frame on one line. What became of it on its whole way is truth.Fate.
type LineFate uint8

// The fates.
const (
	Queued        LineFate = iota // still on the line when the links closed
	Passed                        // left the line: from an up line to the switch, from a down line to the host
	LostRandom                    // by the loss probability
	LostModel                     // by Gilbert-Elliott or the 4-state model
	LostQueue                     // the queue was full
	LostDropped                   // by an intervention
	NotForwarded                  // an up line's frame that the switch had no port for, or whose addresses no bridge forwards
	TooLong                       // for the receiving port's MTU
	InterfaceDown                 // the receiving interface was down or gone
	LostManaged                   // by the queue's discipline; Due is when
)

var fateNames = [...]string{"queued", "passed", "lost", "lost by model", "queue full", "dropped by intervention", "not forwarded", "too long", "interface down", "dropped by queue"}

// String gives the fate in words.
func (f LineFate) String() string {
	if int(f) < len(fateNames) {
		return fateNames[f]
	}
	return fmt.Sprintf("fate %d", uint8(f))
}

// LinkMarks are the bits that tell what was done to a frame.
type LinkMarks uint16

// The marks.
const (
	Corrupted  LinkMarks = 1 << iota // one bit of it
	Duplicated                       // a copy of it was made, which has its own event
	Copy                             // it is that copy
	Overtook                         // it was sent ahead of the queue by the reordering probability
	Intervened                       // an intervention chose it
)

// LinkLogFile is the file of a run directory that holds its LinkLog, when the soft driver made
// the links.
const LinkLogFile = "links.log"

// linkLogMagic starts a link log file; the last byte is the format's version.
const linkLogMagic = "detgen links\n\x01"

// eventSize is the size of an event in a file.
const eventSize = 64

// WriteTo writes the log as a file, as LinkLogWriter does.
func (l *LinkLog) WriteTo(w io.Writer) (int64, error) {
	out, err := NewLinkLogWriter(w, l)
	if err != nil {
		return 0, err
	}
	out.Write(l.Events)
	return out.size, out.Flush()
}

// LinkLogWriter writes a log piece by piece: the magic, the length of the header (4 bytes),
// the header as JSON, then 64 bytes for each event: its fields in their order, little-endian.
type LinkLogWriter struct {
	out   *bufio.Writer // keeps its first error
	size  int64
	event []byte
}

// NewLinkLogWriter starts a log with everything of l but its events.
func NewLinkLogWriter(w io.Writer, l *LinkLog) (*LinkLogWriter, error) {
	header, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("write link log: %w", err)
	}
	start := binary.LittleEndian.AppendUint32([]byte(linkLogMagic), uint32(len(header)))
	o := &LinkLogWriter{out: bufio.NewWriterSize(w, 1<<16), size: int64(len(start) + len(header))}
	o.out.Write(start)
	o.out.Write(header)
	return o, nil
}

// Write adds events. An error comes out of Flush.
func (o *LinkLogWriter) Write(events []LinkEvent) {
	for i := range events {
		o.event = events[i].appendTo(o.event[:0])
		o.out.Write(o.event)
	}
	o.size += int64(len(events)) * eventSize
}

// Flush ends the log.
func (o *LinkLogWriter) Flush() error {
	if err := o.out.Flush(); err != nil {
		return fmt.Errorf("write link log: %w", err)
	}
	return nil
}

func (e *LinkEvent) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, e.Line)
	b = le.AppendUint16(b, e.OriginLine)
	b = le.AppendUint32(b, e.Frame)
	b = le.AppendUint32(b, e.Origin)
	b = le.AppendUint64(b, uint64(e.In))
	b = le.AppendUint64(b, uint64(e.Due))
	b = le.AppendUint64(b, uint64(e.Out))
	b = le.AppendUint64(b, uint64(e.Delay))
	b = le.AppendUint32(b, e.Length)
	b = le.AppendUint32(b, e.Sum)
	b = le.AppendUint32(b, e.Queue)
	b = le.AppendUint32(b, e.Bit)
	b = append(b, byte(e.Fate), 0)
	return le.AppendUint16(b, uint16(e.Marks))
}

func (e *LinkEvent) from(b []byte) {
	le := binary.LittleEndian
	*e = LinkEvent{
		Line: le.Uint16(b), OriginLine: le.Uint16(b[2:]),
		Frame: le.Uint32(b[4:]), Origin: le.Uint32(b[8:]),
		In: int64(le.Uint64(b[12:])), Due: int64(le.Uint64(b[20:])), Out: int64(le.Uint64(b[28:])),
		Delay:  int64(le.Uint64(b[36:])),
		Length: le.Uint32(b[44:]), Sum: le.Uint32(b[48:]), Queue: le.Uint32(b[52:]), Bit: le.Uint32(b[56:]),
		Fate: LineFate(b[60]), Marks: LinkMarks(le.Uint16(b[62:])),
	}
}

// maxHeader is how long the header of a log can be: 65,535 lines with names of the usual length.
const maxHeader = 8 << 20

// maxLogged is the longest frame that a link carries: the largest MTU and the header, or a segment that is not cut yet.
const maxLogged = 1 << 17

// ReadLinkLog reads a whole file that WriteTo wrote, and checks it. A log of more than most events is an error.
func ReadLinkLog(r io.Reader, most int) (*LinkLog, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	start := make([]byte, len(linkLogMagic)+4)
	if _, err := io.ReadFull(in, start); err != nil || string(start[:len(linkLogMagic)]) != linkLogMagic {
		return nil, errors.New("read link log: not a link log of this version")
	}
	size := binary.LittleEndian.Uint32(start[len(linkLogMagic):])
	l := &LinkLog{}
	if size > maxHeader {
		return nil, fmt.Errorf("read link log: header of %d bytes: must have at most %d", size, maxHeader)
	}
	header := make([]byte, size)
	if _, err := io.ReadFull(in, header); err != nil {
		return nil, fmt.Errorf("read link log: header: %w", err)
	}
	if err := ParseJSON(header, l); err != nil {
		return nil, fmt.Errorf("read link log: header %w", err)
	}
	if err := l.checkLines(); err != nil {
		return nil, fmt.Errorf("read link log: %w", err)
	}
	record := make([]byte, eventSize)
	for {
		_, err := io.ReadFull(in, record)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read link log: event %d: %w", len(l.Events)+1, err)
		}
		if len(l.Events) >= most {
			return nil, fmt.Errorf("read link log: it has more than %d events, more than the captures' frames can cause", most)
		}
		var e LinkEvent
		e.from(record)
		l.Events = append(l.Events, e)
	}
	for i := range l.Events {
		if err := l.check(&l.Events[i]); err != nil {
			return nil, fmt.Errorf("read link log: event %d: %w", i+1, err)
		}
	}
	return l, nil
}

// checkLines finds lines that are named wrongly or twice.
func (l *LinkLog) checkLines() error {
	seen := map[LinkLine]bool{}
	for i, line := range l.Lines {
		switch {
		case line.Direction != Up && line.Direction != Down:
			return fmt.Errorf("line %d: direction %q: must be up or down", i, line.Direction)
		case seen[line]:
			return fmt.Errorf("line %d: %s of interface %q of host %q is there twice", i, line.Direction, line.Interface, line.Host)
		}
		seen[line] = true
	}
	return nil
}

// check finds what no link does. Lines count their frames, and each is an event, so no number is above that of the events.
func (l *LinkLog) check(e *LinkEvent) error {
	switch {
	case int(e.Line) >= len(l.Lines) || int(e.OriginLine) >= len(l.Lines):
		return fmt.Errorf("line %d of %d", max(e.Line, e.OriginLine), len(l.Lines))
	case int64(e.Frame) > int64(len(l.Events)) || int64(e.Origin) > int64(len(l.Events)):
		return fmt.Errorf("frame %d, in a log of %d events", max(e.Frame, e.Origin), len(l.Events))
	case e.Length > maxLogged:
		return fmt.Errorf("length %d: must be at most %d bytes", e.Length, maxLogged)
	case e.Marks&Corrupted != 0 && uint64(e.Bit) >= 8*uint64(e.Length):
		return fmt.Errorf("bit %d of a frame of %d bytes", e.Bit, e.Length)
	}
	return nil
}
