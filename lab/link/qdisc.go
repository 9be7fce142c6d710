package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The attributes of sch_netem that package nl does not name (linux/pkt_sched.h).
const (
	netemLatency64 = 10
	netemJitter64  = 11
	netemSeed      = 14 // Linux 6.6

	netemLossFourState      = 1 // NETEM_LOSS_GI
	netemLossGilbertElliott = 2 // NETEM_LOSS_GE
)

// options gives the settings as the netlink options of sch_netem: struct tc_netem_qopt and the
// attributes behind it. Every attribute is given, because the kernel keeps what is not.
func (p *parameters) options(seed uint64) []byte {
	ne := binary.NativeEndian
	words := func(v ...uint32) []byte {
		b := make([]byte, 0, 4*len(v))
		for _, w := range v {
			b = ne.AppendUint32(b, w)
		}
		return b
	}
	// Latency and jitter are in attributes with 64 bits.
	out := words(0, p.limit, p.loss, p.gap, p.duplicate, 0)
	add := func(kind int, data []byte) { out = append(out, nl.NewRtAttr(kind, data).Serialize()...) }
	add(nl.TCA_NETEM_CORR, words(p.delayRho, p.lossRho, p.duplicateRho))
	add(nl.TCA_NETEM_REORDER, words(p.reorder, p.reorderRho))
	add(nl.TCA_NETEM_CORRUPT, words(p.corrupt, p.corruptRho))
	add(nl.TCA_NETEM_RATE, words(uint32(min(p.rate, math.MaxUint32)), 0, 0, 0))
	if p.rate > math.MaxUint32 {
		add(nl.TCA_NETEM_RATE64, ne.AppendUint64(nil, p.rate))
	}
	add(netemLatency64, ne.AppendUint64(nil, uint64(p.latency)))
	add(netemJitter64, ne.AppendUint64(nil, uint64(p.jitter)))
	add(netemSeed, ne.AppendUint64(nil, seed))
	a := p.chain
	switch p.model {
	case gilbertElliott:
		add(nl.TCA_NETEM_LOSS, nl.NewRtAttr(netemLossGilbertElliott, words(a[0], a[1], a[2], a[3])).Serialize())
	case fourState:
		// struct tc_netem_gimodel: p13, p31, p32, p14, p23
		add(nl.TCA_NETEM_LOSS, nl.NewRtAttr(netemLossFourState, words(a[0], a[1], a[2], a[3], a[4])).Serialize())
	}
	if p.table != nil {
		data := make([]byte, 0, 2*len(p.table))
		for _, v := range p.table {
			data = ne.AppendUint16(data, uint16(v))
		}
		add(nl.TCA_NETEM_DELAY_DIST, data)
	}
	return out
}

// qdiscState is what the kernel tells about a netem qdisc.
type qdiscState struct {
	settings parameters // but the table, which it does not tell
	seed     uint64
	seeded   bool   // it has taken the seed
	sent     uint64 // frames that left it
	drops    uint64
	requeues uint64 // frames that overtook
	queued   uint32 // frames in it
}

// parseOptions is the reverse of options.
func parseOptions(b []byte) (s qdiscState, err error) {
	ne := binary.NativeEndian
	const head = 24
	if len(b) < head {
		return s, fmt.Errorf("options of %d bytes", len(b))
	}
	p := &s.settings
	p.limit, p.loss, p.gap, p.duplicate = ne.Uint32(b[4:]), ne.Uint32(b[8:]), ne.Uint32(b[12:]), ne.Uint32(b[16:])
	attributes, err := nl.ParseRouteAttr(b[head:])
	if err != nil {
		return s, err
	}
	rate64 := uint64(0)
	for _, a := range attributes {
		v, short := a.Value, false
		word := func(i int) uint32 {
			if len(v) < 4*(i+1) {
				short = true
				return 0
			}
			return ne.Uint32(v[4*i:])
		}
		long := func() uint64 { return uint64(word(0)) | uint64(word(1))<<32 }
		switch a.Attr.Type & nl.NLA_TYPE_MASK {
		case nl.TCA_NETEM_CORR:
			p.delayRho, p.lossRho, p.duplicateRho = word(0), word(1), word(2)
		case nl.TCA_NETEM_REORDER:
			p.reorder, p.reorderRho = word(0), word(1)
		case nl.TCA_NETEM_CORRUPT:
			p.corrupt, p.corruptRho = word(0), word(1)
		case nl.TCA_NETEM_RATE:
			p.rate = uint64(word(0))
		case nl.TCA_NETEM_RATE64:
			rate64 = long()
		case netemLatency64:
			p.latency = int64(long())
		case netemJitter64:
			p.jitter = int64(long())
		case netemSeed:
			s.seed, s.seeded = long(), true
		case nl.TCA_NETEM_LOSS:
			models, err := nl.ParseRouteAttr(a.Value)
			if err != nil || len(models) != 1 {
				return s, fmt.Errorf("%d loss models, %w", len(models), err)
			}
			v = models[0].Value
			n := 4
			p.model = gilbertElliott
			if models[0].Attr.Type&nl.NLA_TYPE_MASK == netemLossFourState {
				p.model, n = fourState, 5
			}
			for i := range n {
				p.chain[i] = word(i)
			}
		}
		if short {
			return s, fmt.Errorf("attribute %d is cut", a.Attr.Type)
		}
	}
	p.rate = max(p.rate, rate64)
	return s, nil
}

// difference names the first setting that the kernel has otherwise than asked, "" for none.
func (p *parameters) difference(kernel *parameters) string {
	for _, f := range []struct {
		name       string
		asked, has any
	}{
		{"delay", p.latency, kernel.latency},
		{"jitter", p.jitter, kernel.jitter},
		{"delay correlation", p.delayRho, kernel.delayRho},
		{"loss", p.loss, kernel.loss},
		{"loss correlation", p.lossRho, kernel.lossRho},
		{"loss model", p.model, kernel.model},
		{"loss model's probabilities", p.chain, kernel.chain},
		{"duplication", p.duplicate, kernel.duplicate},
		{"duplication correlation", p.duplicateRho, kernel.duplicateRho},
		{"corruption", p.corrupt, kernel.corrupt},
		{"corruption correlation", p.corruptRho, kernel.corruptRho},
		{"reordering", p.reorder, kernel.reorder},
		{"reordering correlation", p.reorderRho, kernel.reorderRho},
		{"reordering gap", p.gap, kernel.gap},
		{"rate", p.rate, kernel.rate},
		{"limit", p.limit, kernel.limit},
	} {
		if f.asked != f.has {
			return fmt.Sprintf("%s: asked %v, has %v", f.name, f.asked, f.has)
		}
	}
	return ""
}

// qdiscs sets and reads netem qdiscs of one network namespace, by rtnetlink(7).
type qdiscs struct{ socket *nl.NetlinkSocket }

func openQdiscs(namespace int) (*qdiscs, error) {
	socket, err := nl.GetNetlinkSocketAt(netns.NsHandle(namespace), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return &qdiscs{socket}, nil
}

func (q *qdiscs) close() { q.socket.Close() }

func (q *qdiscs) request(kind, flags int) *nl.NetlinkRequest {
	r := nl.NewNetlinkRequest(kind, flags)
	r.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: {Socket: q.socket}}
	return r
}

// netemHandle is the handle of the netem qdiscs, 1:0.
const netemHandle = 1 << 16

// set puts a netem qdisc at the root of a device, or changes the one that is there.
func (q *qdiscs) set(device int, p *parameters, seed uint64, change bool) error {
	flags := unix.NLM_F_ACK
	if !change {
		flags |= unix.NLM_F_CREATE | unix.NLM_F_EXCL
	}
	r := q.request(unix.RTM_NEWQDISC, flags)
	r.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(device), Handle: netemHandle, Parent: netlink.HANDLE_ROOT})
	r.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("netem")))
	r.AddData(nl.NewRtAttr(nl.TCA_OPTIONS, p.options(seed)))
	_, err := r.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// errNoQdisc says that a device has no netem qdisc.
var errNoQdisc = errors.New("no netem qdisc at its root")

// get reads the netem qdisc at the root of a device.
func (q *qdiscs) get(device int) (s qdiscState, err error) {
	r := q.request(unix.RTM_GETQDISC, unix.NLM_F_DUMP)
	r.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(device), Parent: netlink.HANDLE_ROOT})
	messages, err := r.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWQDISC)
	if err != nil {
		return s, err
	}
	for _, m := range messages {
		head := nl.DeserializeTcMsg(m)
		if int(head.Ifindex) != device || head.Parent != netlink.HANDLE_ROOT {
			continue
		}
		attributes, err := nl.ParseRouteAttr(m[head.Len():])
		if err != nil {
			return s, err
		}
		var kind string
		var options, statistics []byte
		for _, a := range attributes {
			switch a.Attr.Type {
			case nl.TCA_KIND:
				kind = nl.BytesToString(a.Value)
			case nl.TCA_OPTIONS:
				options = a.Value
			case nl.TCA_STATS2:
				statistics = a.Value
			}
		}
		if kind == "tbf" { // before a managed queue, whose frames and losses it counts, too
			return s, s.count(statistics)
		}
		if kind != "netem" {
			continue
		}
		if s, err = parseOptions(options); err != nil {
			return s, err
		}
		return s, s.count(statistics)
	}
	return s, errNoQdisc
}

// count reads the counters: struct gnet_stats_basic and gnet_stats_queue
// (linux/gen_stats.h).
func (s *qdiscState) count(statistics []byte) error {
	ne := binary.NativeEndian
	attributes, err := nl.ParseRouteAttr(statistics)
	if err != nil {
		return err
	}
	for _, a := range attributes {
		switch v := a.Value; {
		case a.Attr.Type == nl.TCA_STATS_BASIC && len(v) >= 12:
			s.sent = uint64(ne.Uint32(v[8:]))
		case a.Attr.Type == nl.TCA_STATS_QUEUE && len(v) >= 20:
			s.queued = ne.Uint32(v)
			s.drops, s.requeues = uint64(ne.Uint32(v[8:])), uint64(ne.Uint32(v[12:]))
		}
	}
	return nil
}
