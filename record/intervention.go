package record

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Intervention does one thing to chosen frames of one direction of a link, where the other
// settings of the link act by chance. Its text form is "ACTION=SELECTOR"; see
// ParseIntervention.
type Intervention struct {
	Action Action   `json:"action"`
	Delay  Duration `json:"delay,omitempty"` // for DelayFrame: how much later than without; for SwapFrame: how long to wait for the next frame at most, 0 means 1 s
	Select Selector `json:"select"`
}

// Action is what an intervention does.
type Action string

// The actions. A frame that is dropped, delayed or swapped is treated by the link's other
// settings as any other frame as far as its place in the streams of random decisions goes,
// so that an intervention moves no decision about another frame.
const (
	DropFrame      Action = "drop"
	DuplicateFrame Action = "duplicate" // a second, equal copy directly behind
	CorruptFrame   Action = "corrupt"   // one bit, drawn from the seed
	DelayFrame     Action = "delay"
	SwapFrame      Action = "swap" // leaves directly after the next frame of the line
)

// Selector chooses frames on one direction of a link.
type Selector struct {
	Kind SegmentKind `json:"kind"`
	N    uint64      `json:"n"` // which: counted from 1; for ByOffset the offset itself, counted from 0

	// Connection is which TCP connection, counted from 1 in the order in which they
	// appear on the line, or AnyConnection. Meaningless for ByFrame.
	Connection int `json:"connection,omitempty"`

	// Copies is how many copies of the chosen frame are meant: 1 the first only, so that
	// a retransmission passes; n the first n; AllCopies each. Meaningless for ByFrame.
	Copies int `json:"copies,omitempty"`
}

// Values that stand for all.
const (
	AnyConnection = -1
	AllCopies     = -1
)

// SegmentKind is what a selector counts.
type SegmentKind string

// The kinds. All but ByFrame choose TCP segments and look at one direction of a connection
// only: the one in which the line carries it.
const (
	ByFrame  SegmentKind = "frame"   // every frame of the line
	ByData   SegmentKind = "data"    // segments with payload that goes beyond all before
	ByOffset SegmentKind = "offset"  // the segment that holds the byte at this offset of the stream
	BySYN    SegmentKind = "syn"     // SYN without ACK
	BySYNACK SegmentKind = "syn-ack" // SYN with ACK
	ByFIN    SegmentKind = "fin"
	ByRST    SegmentKind = "rst"
	ByACK    SegmentKind = "ack" // segments without payload, SYN, FIN and RST
)

// ParseInterventions reads a list of interventions with semicolons between them.
func ParseInterventions(text string) ([]Intervention, error) {
	var list []Intervention
	for part := range strings.SplitSeq(text, ";") {
		i, err := ParseIntervention(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		list = append(list, i...)
	}
	return list, nil
}

// ParseIntervention reads "ACTION=SELECTOR[,SELECTOR]...", one intervention for each
// selector. ACTION is drop, duplicate, corrupt, swap or delay(DURATION). SELECTOR is as for
// ParseSelector. Examples:
//
//	drop=data:5                    the fifth data segment of the first connection, once
//	drop=conn:any/syn-ack          the first SYN-ACK of every connection, once
//	delay(30ms)=frame:7,frame:9    two frames by their number on the line
//	drop=conn:2/offset:4096/every  the segment with that byte, however often it comes
func ParseIntervention(text string) ([]Intervention, error) {
	name, selectors, found := strings.Cut(text, "=")
	if !found {
		return nil, fmt.Errorf("intervention %q: must be ACTION=SELECTOR, as in drop=data:5", text)
	}
	action, delay, err := parseAction(name)
	if err != nil {
		return nil, fmt.Errorf("intervention %q: %w", text, err)
	}
	var list []Intervention
	for s := range strings.SplitSeq(selectors, ",") {
		selector, err := ParseSelector(s)
		if err != nil {
			return nil, fmt.Errorf("intervention %q: %w", text, err)
		}
		list = append(list, Intervention{Action: action, Delay: delay, Select: selector})
	}
	return list, nil
}

func parseAction(text string) (Action, Duration, error) {
	name, argument, hasArgument := strings.Cut(strings.TrimSuffix(text, ")"), "(")
	var delay time.Duration
	if hasArgument {
		var err error
		if delay, err = time.ParseDuration(argument); err != nil || delay <= 0 {
			return "", 0, fmt.Errorf("duration %q: must be positive, with a unit, as in 30ms", argument)
		}
	}
	switch action := Action(name); action {
	case DelayFrame:
		if !hasArgument {
			return "", 0, fmt.Errorf("delay: must say how long, as in delay(30ms)")
		}
		return action, Duration(delay), nil
	case SwapFrame:
		return action, Duration(delay), nil
	case DropFrame, DuplicateFrame, CorruptFrame:
		if hasArgument {
			return "", 0, fmt.Errorf("%s: takes no duration", name)
		}
		return action, 0, nil
	}
	return "", 0, fmt.Errorf("action %q: must be drop, duplicate, corrupt, delay(DURATION) or swap", name)
}

// ParseSelector reads "[conn:K|conn:any/]KIND[:N][/copies:M|/every]". Without "conn" the
// first connection is meant, without N the first, without copies the first copy only. A bare
// number N is frame:N.
func ParseSelector(text string) (Selector, error) {
	s := Selector{Connection: 1, Copies: 1}
	rest := text
	bad := func(what string) (Selector, error) {
		return Selector{}, fmt.Errorf("selector %q: %s", text, what)
	}
	if value, found := strings.CutPrefix(rest, "conn:"); found {
		if value, rest, found = strings.Cut(value, "/"); !found {
			return bad("conn must be followed by a slash and what to choose, as in conn:2/data:5")
		}
		if value == "any" {
			s.Connection = AnyConnection
		} else if k, err := strconv.Atoi(value); err != nil || k < 1 {
			return bad("conn must be a number from 1, or any")
		} else {
			s.Connection = k
		}
	}
	rest, copies, found := strings.Cut(rest, "/")
	if found {
		value, isCount := strings.CutPrefix(copies, "copies:")
		m, err := strconv.Atoi(value)
		switch {
		case copies == "every":
			s.Copies = AllCopies
		case isCount && err == nil && m >= 1:
			s.Copies = m
		default:
			return bad("after the last slash must come every or copies:M with M from 1")
		}
	}
	kind, number, numbered := strings.Cut(rest, ":")
	if _, err := strconv.ParseUint(kind, 10, 64); err == nil && !numbered {
		kind, number, numbered = string(ByFrame), kind, true
	}
	s.Kind, s.N = SegmentKind(kind), 1
	if numbered {
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return bad("what stands after the colon must be a number")
		}
		s.N = n
	}
	switch s.Kind {
	case ByFrame:
		if text != kind+":"+number && text != number {
			return bad("a frame by its number has neither conn nor copies")
		}
		s.Connection, s.Copies = 0, 0
	case ByData, BySYN, BySYNACK, ByFIN, ByRST, ByACK:
	case ByOffset:
		if !numbered {
			return bad("offset needs a number of bytes, as in offset:4096")
		}
	default:
		return bad("must choose frame, data, offset, syn, syn-ack, fin, rst or ack")
	}
	if s.N == 0 && s.Kind != ByOffset {
		return bad("counting starts at 1")
	}
	return s, nil
}

// String gives the text that ParseIntervention reads.
func (i Intervention) String() string {
	action := string(i.Action)
	if i.Delay != 0 {
		action += "(" + i.Delay.String() + ")"
	}
	return action + "=" + i.Select.String()
}

// String gives the text that ParseSelector reads.
func (s Selector) String() string {
	text := string(s.Kind) + ":" + strconv.FormatUint(s.N, 10)
	if s.Kind == ByFrame {
		return text
	}
	switch {
	case s.Connection == AnyConnection:
		text = "conn:any/" + text
	case s.Connection != 1:
		text = "conn:" + strconv.Itoa(s.Connection) + "/" + text
	}
	switch {
	case s.Copies == AllCopies:
		text += "/every"
	case s.Copies != 1:
		text += "/copies:" + strconv.Itoa(s.Copies)
	}
	return text
}
