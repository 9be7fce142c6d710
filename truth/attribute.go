package truth

import (
	"net/netip"
	"slices"
	"time"

	"detgen/record"
)

// attribute tells to which activity, phase and part of the run frames and connections belong.
func (t *Truth) attribute() {
	t.own()
	phases := t.phases()
	spans := newSpans(t.Record)
	for i := range t.Connections {
		c := &t.Connections[i]
		c.Span = spans.at(c.Start)
		if c.Activity < 0 && spans.at(c.End) >= Main && (c.Program != "" || !t.Record.Result.Systems) {
			c.Activity = t.only()
		}
	}
	for _, c := range t.Captures {
		for j := range c.Frames {
			f := &c.Frames[j]
			at := f.Time
			if !f.Sent && f.Peer.Some() {
				at = t.Frame(f.Peer).Time
			}
			f.Span = spans.at(at)
			f.Activity = t.activity(f)
			if f.Activity < 0 {
				continue
			}
			f.Phase = phases[f.Activity].at(at, t.near(f))
			if f.Connection >= 0 && f.Phase != 0 && f.Sent {
				c := &t.Connections[f.Connection]
				if c.FirstPhase == 0 {
					c.FirstPhase = f.Phase
				}
				c.LastPhase = f.Phase
			}
		}
	}
}

// only is the run's activity when it has a single one, else -1: then all that goes on after
// the setup is its doing.
func (t *Truth) only() int16 {
	if len(t.Record.Run.Activities) == 1 {
		return 0
	}
	return -1
}

// activity is what a frame belongs to: its connection's, or, when that is nobody's or the
// frame has none, the only one's.
func (t *Truth) activity(f *Frame) int16 {
	if f.Connection >= 0 {
		if a := t.Connections[f.Connection].Activity; a >= 0 && f.Span != Setup {
			return a
		}
	}
	if f.Span >= Main && (!t.Record.Result.Systems || t.asksForHost(f)) {
		return t.only()
	}
	return -1
}

// asksForHost reports whether a frame is ARP by which one host of the run finds another. It counts as the run's doing: what whole systems
// do by themselves goes to a router or to groups, but for their answers to questions about their names.
func (t *Truth) asksForHost(f *Frame) bool {
	return f.Kind == ARP && f.Source() != f.Destination() && t.isHost(f.Source()) && t.isHost(f.Destination())
}

// isHost reports whether an address is that of a host of the run.
func (t *Truth) isHost(a netip.Addr) bool {
	for _, h := range t.Record.Run.Hosts {
		for _, i := range h.Interfaces {
			for _, own := range i.Addresses() {
				if own.Addr() == a {
					return true
				}
			}
		}
	}
	return false
}

// near are the hosts at the ends of the frame's connection, the client first.
func (t *Truth) near(f *Frame) [2]string {
	if f.Connection < 0 {
		return [2]string{}
	}
	c := &t.Connections[f.Connection]
	return [2]string{c.Client.Host, c.Server.Host}
}

// ownerSlack is how much the time of an owner, which is on another clock, may be after that
// of the frame it is about.
const ownerSlack = int64(2 * time.Millisecond)

// own looks up whose each connection is: the program is the one that sent from the client's
// socket at the time (from the server's, when the kernel saw none there); the activity is that
// of the client's program or, when a service opened the connection (FTP's active mode), of the
// server's.
func (t *Truth) own() {
	type pair struct {
		host          string
		protocol      uint8
		local, remote netip.AddrPort
	}
	owners := map[pair][]*record.Owner{}
	for i := range t.Record.Result.Owners {
		o := &t.Record.Result.Owners[i]
		key := pair{o.Host, o.Protocol, o.Local, o.Remote}
		owners[key] = append(owners[key], o)
	}
	if len(owners) == 0 {
		return
	}
	activities := map[string]int16{}
	for i, a := range t.Record.Run.Activities {
		activities[a.Name] = int16(i)
	}
	lookup := func(c *Connection, from, to *Endpoint) *record.Owner {
		local, remote := netip.AddrPortFrom(from.Address, from.Port), netip.AddrPortFrom(to.Address, to.Port)
		if !hasPorts(c.Protocol) {
			local, remote = netip.AddrPortFrom(from.Address, 0), netip.AddrPortFrom(to.Address, 0)
		}
		list := owners[pair{from.Host, c.Protocol, local, remote}]
		if len(list) == 0 {
			return nil
		}
		// They are by time: the last that is not after the connection's start.
		later := slices.IndexFunc(list, func(o *record.Owner) bool { return o.Time.UnixNano() > c.Start+ownerSlack })
		switch {
		case later < 0:
			return list[len(list)-1]
		case later == 0:
			return list[0]
		}
		return list[later-1]
	}
	for i := range t.Connections {
		c := &t.Connections[i]
		for _, o := range []*record.Owner{lookup(c, &c.Client, &c.Server), lookup(c, &c.Server, &c.Client)} {
			if o == nil {
				continue
			}
			if c.Program == "" {
				c.Program = o.Program
			}
			if a, ok := activities[o.Activity]; ok && c.Activity < 0 {
				c.Activity = a
			}
		}
	}
}

// hasPorts reports whether packets of a protocol have ports.
func hasPorts(protocol uint8) bool {
	const tcp, udp, sctp = 6, 17, 132
	return protocol == tcp || protocol == udp || protocol == sctp
}

// spans are the times at which the parts of a run begin.
type spans struct{ warmup, main, drain int64 }

func newSpans(rec *record.Record) spans {
	r := &rec.Result
	s := spans{main: nanoseconds(r.Started), warmup: nanoseconds(r.Warmup)}
	if r.Warmup.IsZero() {
		s.warmup = s.main
	}
	s.drain = s.main
	for _, a := range r.Activities {
		s.drain = max(s.drain, nanoseconds(a.End))
	}
	return s
}

// nanoseconds gives a time as the frames have it; the zero time is after all of them.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 1<<63 - 1
	}
	return t.UnixNano()
}

func (s spans) at(t int64) Span {
	switch {
	case t < s.warmup:
		return Setup
	case t < s.main:
		return Warmup
	case t <= s.drain:
		return Main
	}
	return Drain
}

// timeline is the phases of one activity.
type timeline []phase

type phase struct {
	start, end int64
	host       string
	name       uint16
}

// phases gives the timeline of each activity and names the phases.
func (t *Truth) phases() []timeline {
	lines := make([]timeline, len(t.Record.Run.Activities))
	for _, a := range t.Record.Result.Activities {
		i := slices.IndexFunc(t.Record.Run.Activities, func(b record.Activity) bool { return b.Name == a.Name })
		if i < 0 {
			continue
		}
		for _, p := range a.Phases {
			name := slices.Index(t.Phases, p.Name)
			if name < 0 {
				name = len(t.Phases)
				t.Phases = append(t.Phases, p.Name)
			}
			lines[i] = append(lines[i], phase{nanoseconds(p.Start), nanoseconds(p.End), p.Host, uint16(name)})
		}
		slices.SortStableFunc(lines[i], func(p, q phase) int { return int(min(1, max(-1, p.start-q.start))) })
	}
	return lines
}

// at is the phase at a time: that of the first of the preferred hosts that is in one, else
// that of any host. What comes after a host's last phase has ended belongs to that phase.
func (l timeline) at(t int64, hosts [2]string) uint16 {
	for _, host := range hosts {
		if host == "" {
			continue
		}
		if p := l.last(t, host); p != 0 {
			return p
		}
	}
	return l.last(t, "")
}

// last is the latest phase of a host, or of any host for "", that started until t.
func (l timeline) last(t int64, host string) uint16 {
	for i := len(l) - 1; i >= 0; i-- {
		if l[i].start <= t && (host == "" || l[i].host == host) {
			return l[i].name
		}
	}
	return 0
}
