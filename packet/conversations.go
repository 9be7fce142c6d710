package packet

import (
	"encoding/binary"
	"slices"
)

// DefaultConversations is how many conversations are remembered by default: some 200 MB.
const DefaultConversations = 1 << 19

// Conversations follows all TCP conversations of a capture. Like Wireshark it never takes a conversation for ended, as late
// segments still belong to it, but it holds a bounded number: when there are more, the half that was not heard of for
// the longest time is forgotten. Results differ from those of an unbounded table only for a conversation that pauses
// while at least half as many others as it can hold are active.
type Conversations struct {
	limit   int
	streams Streams
	v4      map[[2]uint64]*conversation
	v6      map[[5]uint64]*conversation
}

type conversation struct {
	Conversation
	used uint64 // number of the last frame
}

// NewConversations makes an empty table for at most limit conversations, or
// DefaultConversations when limit is 0.
func NewConversations(limit int) *Conversations {
	if limit <= 0 {
		limit = DefaultConversations
	}
	return &Conversations{limit: limit, v4: map[[2]uint64]*conversation{}, v6: map[[5]uint64]*conversation{}}
}

// Len is the number of conversations held.
func (t *Conversations) Len() int { return len(t.v4) + len(t.v6) }

// Analyze analyses a frame, which Decode has read into h, when it is a TCP segment whose header is there; it
// returns false for others. ICMP errors are taken in for what they quote.
func (t *Conversations) Analyze(f *Frame, h *Headers) (a Analysis, ok bool) {
	if segment, ok := h.TCP(); ok {
		c, from := t.find(f, h)
		c.Analyze(f.Time, &segment, from, &t.streams, &a)
		return a, true
	}
	if h.Protocol == ProtocolICMP || h.Protocol == ProtocolICMPv6 {
		var quoted Headers
		if !Quoted(f, h, &quoted) {
			return Analysis{}, false
		}
		if segment, ok := quoted.TCP(); ok {
			c, from := t.find(f, &quoted)
			c.Quote(f.Time, &segment, from, &t.streams)
		}
	}
	return Analysis{}, false
}

// find gives the conversation of a segment, new if need be, and which of its endpoints
// sent it.
func (t *Conversations) find(f *Frame, h *Headers) (c *conversation, from int) {
	if h.IPVersion == 4 {
		a := uint64(binary.BigEndian.Uint32(h.SrcIP[:]))<<16 | uint64(h.SrcPort)
		b := uint64(binary.BigEndian.Uint32(h.DstIP[:]))<<16 | uint64(h.DstPort)
		if a > b {
			a, b, from = b, a, 1
		}
		key := [2]uint64{a, b}
		if c = t.v4[key]; c == nil {
			c = t.add()
			t.v4[key] = c
		}
	} else {
		key := [5]uint64{
			binary.BigEndian.Uint64(h.SrcIP[:]), binary.BigEndian.Uint64(h.SrcIP[8:]),
			binary.BigEndian.Uint64(h.DstIP[:]), binary.BigEndian.Uint64(h.DstIP[8:]),
			uint64(h.SrcPort)<<16 | uint64(h.DstPort),
		}
		if swapped := [5]uint64{key[2], key[3], key[0], key[1], uint64(h.DstPort)<<16 | uint64(h.SrcPort)}; slices.Compare(swapped[:], key[:]) < 0 {
			key, from = swapped, 1
		}
		if c = t.v6[key]; c == nil {
			c = t.add()
			t.v6[key] = c
		}
	}
	c.used = f.Number
	return c, from
}

// add makes room for a conversation.
func (t *Conversations) add() *conversation {
	if t.Len() >= t.limit {
		t.forget()
	}
	return &conversation{}
}

// forget drops the half of the conversations that was used least recently.
func (t *Conversations) forget() {
	used := make([]uint64, 0, t.Len())
	for _, c := range t.v4 {
		used = append(used, c.used)
	}
	for _, c := range t.v6 {
		used = append(used, c.used)
	}
	slices.Sort(used)
	middle := used[len(used)/2]
	for key, c := range t.v4 {
		if c.used <= middle {
			delete(t.v4, key)
		}
	}
	for key, c := range t.v6 {
		if c.used <= middle {
			delete(t.v6, key)
		}
	}
}
