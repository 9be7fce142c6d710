// Package correct changes what a model sees of a connection, between the capture and the encoder: the paper's fix
// (step 5: drop retransmission sequences) in its possible readings, with a control and the opposite, traces with
// retransmissions put in. Each transform has a name that never changes its meaning.
//
// A segment counts as sent again when the capture has seen all of its sequence numbers in that direction before; keep-
// alives and probes of a closed window are not. What was lost before the capture's tap looks like a late original there:
// a transform sees no more than the model does.
package correct

import (
	"fmt"
	"slices"
	"strings"

	"detgen/model/items"
	"detgen/model/train"
	"detgen/packet"
	"detgen/seed"
)

// Transform makes another trace of a trace, which it leaves as it is.
type Transform struct {
	Name string
	Doc  string
	make func(*items.Trace) *items.Trace
}

// Transforms are all of them.
var Transforms = []Transform{
	{"T1", "without segments that were sent again; of partly new ones the new part stays", func(t *items.Trace) *items.Trace { return kept(t, repeated) }},
	{"T2", "T1, and without duplicate acknowledgements", func(t *items.Trace) *items.Trace { return kept(t, repeatedOrDuplicate) }},
	{"T3", "without whole episodes: every packet from the first gap or duplicate acknowledgement until all that was sent by then is acknowledged", withoutEpisodes},
	{"T4", "T2, with segments put in the order of their sequence numbers", func(t *items.Trace) *items.Trace { return inOrder(kept(t, repeatedOrDuplicate)) }},
	{"T5", "T4, with the time that was lost taken out: each packet follows the one before it by its own gap", func(t *items.Trace) *items.Trace { return retimed(t, inOrder(kept(t, repeatedOrDuplicate))) }},
}

// List tells what the transforms do, a line each.
func List() string {
	var b strings.Builder
	for _, t := range Transforms {
		fmt.Fprintf(&b, "  %s  %s\n", t.Name, t.Doc)
	}
	return b.String()
}

// Named gives the transform of a name.
func Named(name string) (Transform, error) {
	var known []string
	for _, t := range Transforms {
		if strings.EqualFold(t.Name, name) {
			return t, nil
		}
		known = append(known, t.Name)
	}
	return Transform{}, fmt.Errorf("there is no correction %q; there are %s", name, strings.Join(known, ", "))
}

// Training gives what a model is trained with: the correction of a name, "" for none, and sequences with a share of their
// segments sent twice, 0 for none.
func Training(of uint64, name string, share float64) (correction, more *train.Change, err error) {
	if name != "" {
		t, err := Named(name)
		if err != nil {
			return nil, nil, fmt.Errorf("--correct: %w", err)
		}
		correction = &train.Change{Name: t.Name, Make: t.Apply}
	}
	if !(share >= 0 && share <= 1) {
		return nil, nil, fmt.Errorf("--augment %g: want a share from 0 to 1", share)
	}
	if share > 0 {
		more = &train.Change{Name: fmt.Sprintf("each again with %g of the segments sent twice", share), Make: Augment(of, share)}
	}
	return correction, more, nil
}

// Apply makes the corrected trace.
func (t Transform) Apply(trace *items.Trace) *items.Trace { return t.make(trace) }

// Control drops as many packets of a trace as the transform does, but any: what a shorter sequence alone does. The
// choice comes from the seed and the connection's name.
func (t Transform) Control(of uint64) func(*items.Trace) *items.Trace {
	return func(trace *items.Trace) *items.Trace {
		drop := len(trace.Packets) - len(t.make(trace).Packets)
		random := seed.Stream(of, "probe/control/"+trace.ID)
		gone := map[int]bool{}
		for _, i := range random.Perm(len(trace.Packets))[:drop] {
			gone[i] = true
		}
		out := *trace
		out.Packets = nil
		for i, p := range trace.Packets {
			if !gone[i] {
				out.Packets = append(out.Packets, p)
			}
		}
		return &out
	}
}

// probes are segments that repeat on purpose.
const probes = packet.KeepAlive | packet.ZeroWindowProbe

// repeated tells whether a packet was sent again.
func repeated(p *items.Packet) bool {
	return p.Protocol == packet.ProtocolTCP && p.Seen == packet.SeenAll && p.Classes&probes == 0
}

func repeatedOrDuplicate(p *items.Packet) bool {
	return repeated(p) || p.Classes&packet.DuplicateAck != 0
}

// kept leaves out packets, and trims those that are partly new to what is.
func kept(t *items.Trace, drop func(*items.Packet) bool) *items.Trace {
	out := *t
	out.Packets = nil
	next := map[bool]uint32{}
	begun := map[bool]bool{}
	for i := range t.Packets {
		p := t.Packets[i]
		if drop(&p) {
			continue
		}
		end := p.Seq + uint32(p.Payload)
		if d := p.FromClient; p.Payload > 0 {
			if old := int32(next[d] - p.Seq); begun[d] && p.Seen == packet.SeenPart && old > 0 && int(old) < p.Payload {
				p.Seq, p.Payload, p.Length = next[d], p.Payload-int(old), p.Length-int(old)
			}
			if !begun[d] || int32(end-next[d]) > 0 {
				next[d], begun[d] = end, true
			}
		}
		out.Packets = append(out.Packets, p)
	}
	return &out
}

// Episode is a stretch of a trace in which TCP mends a loss: packets From up to, without, To.
type Episode struct {
	From, To int
	Repeated int // packets in it that were sent again
}

// Episodes finds the stretches: each from the first gap (a segment beyond what is expected), duplicate acknowledgement
// or segment sent again until an acknowledgement covers all that its direction had sent when it began. A trace that ends
// before that ends the episode. Stretches that overlap are one; those without a segment sent again or out of order are
// none (a window update may look like a duplicate).
func Episodes(t *items.Trace) []Episode {
	type side struct {
		begun bool
		next  uint32 // after all that was sent
	}
	var sides [2]side
	index := func(fromClient bool) int {
		if fromClient {
			return 0
		}
		return 1
	}
	var list []Episode
	open, until, of, mended := false, uint32(0), 0, false
	var e Episode
	begin := func(i, sender int) {
		if !open && sides[sender].begun {
			open, of, until, mended, e = true, sender, sides[sender].next, false, Episode{From: i}
		}
	}
	for i := range t.Packets {
		p := &t.Packets[i]
		if p.Protocol != packet.ProtocolTCP {
			continue
		}
		me := index(p.FromClient)
		s := &sides[me]
		length := uint32(p.Payload)
		if p.Flags&(packet.SYN|packet.FIN) != 0 {
			length++
		}
		switch {
		case repeated(p):
			begin(i, me)
		case p.Classes&packet.DuplicateAck != 0:
			begin(i, 1-me)
		case s.begun && length > 0 && int32(p.Seq-s.next) > 0, p.Classes&packet.OutOfOrder != 0:
			begin(i, me)
		}
		if length > 0 && (!s.begun || int32(p.Seq+length-s.next) > 0) {
			s.begun, s.next = true, p.Seq+length
		}
		if !open {
			continue
		}
		if repeated(p) {
			e.Repeated++
		}
		mended = mended || repeated(p) || p.Classes&packet.OutOfOrder != 0
		if me != of && p.Flags&packet.ACK != 0 && int32(p.Ack-until) >= 0 && i > e.From {
			e.To, open = i+1, false
			if mended {
				list = append(list, e)
			}
		}
	}
	if open && mended {
		e.To = len(t.Packets)
		list = append(list, e)
	}
	return list
}

// Without leaves out an episode.
func Without(t *items.Trace, e Episode) *items.Trace {
	out := *t
	out.Packets = slices.Concat(t.Packets[:e.From], t.Packets[e.To:])
	return &out
}

func withoutEpisodes(t *items.Trace) *items.Trace {
	list := Episodes(t)
	for i := len(list) - 1; i >= 0; i-- {
		t = Without(t, list[i])
	}
	return t
}

// inOrder puts the segments of each direction in the order of their sequence numbers. Places and times stay: the first
// place of a direction's data has its first segment.
func inOrder(t *items.Trace) *items.Trace {
	out := *t
	out.Packets = slices.Clone(t.Packets)
	for _, fromClient := range []bool{true, false} {
		var places []int
		for i := range out.Packets {
			if p := &out.Packets[i]; p.Protocol == packet.ProtocolTCP && p.FromClient == fromClient && p.Payload > 0 {
				places = append(places, i)
			}
		}
		if len(places) == 0 {
			continue
		}
		origin := out.Packets[places[0]].Seq - 1<<30
		segments := make([]items.Packet, len(places))
		for k, i := range places {
			segments[k] = out.Packets[i]
		}
		slices.SortStableFunc(segments, func(a, b items.Packet) int {
			switch x, y := a.Seq-origin, b.Seq-origin; {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		for k, i := range places {
			segments[k].Time = out.Packets[i].Time
			out.Packets[i] = segments[k]
		}
	}
	return &out
}

// retimed gives each packet the gap that its place had to the packet before it in the whole trace, so that the time
// that left-out packets took is gone.
func retimed(whole, t *items.Trace) *items.Trace {
	gap := map[int64]int64{}
	for i := range whole.Packets {
		at := whole.Packets[i].Time
		if i == 0 {
			gap[at] = 0
		} else if _, there := gap[at]; !there {
			gap[at] = at - whole.Packets[i-1].Time
		}
	}
	out := *t
	out.Packets = slices.Clone(t.Packets)
	for i := range out.Packets {
		if i > 0 {
			out.Packets[i].Time = out.Packets[i-1].Time + gap[t.Packets[i].Time]
		}
	}
	return &out
}

// Augment puts retransmissions into a trace that has none, for training: each segment with payload is sent again with a
// probability, after a delay of one to four times the trace's round trip, behind three duplicate acknowledgements. The
// draws come from the seed and the connection's name.
func Augment(of uint64, share float64) func(*items.Trace) *items.Trace {
	return func(t *items.Trace) *items.Trace {
		random := seed.Stream(of, "probe/augment/"+t.ID)
		out := *t
		out.Packets = nil
		rtt := roundTrip(t)
		var later int64
		for i := range t.Packets {
			p := t.Packets[i]
			p.Time += later
			out.Packets = append(out.Packets, p)
			if p.Payload == 0 || random.Float64() >= share {
				continue
			}
			acked := uint32(0)
			for j := i; j >= 0; j-- {
				if q := &t.Packets[j]; q.FromClient != p.FromClient {
					acked = q.Seq
					break
				}
			}
			wait := rtt + random.Int64N(3*rtt)
			for k := range int64(3) {
				d := items.Packet{Number: p.Number, Protocol: p.Protocol, FromClient: !p.FromClient, Flags: packet.ACK, Seq: acked, Ack: p.Seq, Window: p.Window,
					Length: p.Length - p.Payload, Classes: packet.DuplicateAck, Phase: p.Phase, Time: p.Time + wait*(k+1)/5}
				if p.Header != nil {
					d.Header = slices.Clone(p.Header)
				}
				out.Packets = append(out.Packets, d)
			}
			again := p
			again.Time, again.Seen, again.Classes = p.Time+wait, packet.SeenAll, packet.FastRetransmission
			out.Packets = append(out.Packets, again)
			later += wait
		}
		return &out
	}
}

// roundTrip is the time from the trace's first packet to the first of the other side, at least 100 us.
func roundTrip(t *items.Trace) int64 {
	for i := range t.Packets {
		if t.Packets[i].FromClient != t.Packets[0].FromClient {
			return max(t.Packets[i].Time-t.Packets[0].Time, 100_000)
		}
	}
	return 100_000
}
