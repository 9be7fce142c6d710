package flow

import "detgen/packet"

// Meter finds the flows of one capture. Packets are given to it in the order of the capture; it
// gives each flow when it ends. It is for one goroutine at a time.
type Meter struct {
	settings
	options Options
	emit    func(*Flow)
	decoder decoder
	table   flowTable
	item    item
	expiry  expiry

	seen          slab[*segments]           // CICFixed: by flow index
	conversations slab[packet.Conversation] // Default: by flow index
	streams       packet.Streams
	asleep        int     // flows that are dormant
	oldest        []begun // Default with MaxFlows: in the order of their first packets
}

// item is a frame on its way into a meter. It holds no pointers.
type item struct {
	hash   uint64 // the same in both directions of a flow
	packet Packet
}

// decoder makes items of frames.
type decoder interface {
	// decode reports whether the frame is a packet of a flow, and if so, fills in what the
	// mode needs of the item.
	decode(f *packet.Frame, it *item) bool

	// unread is a *packet.LinkError when there were frames whose headers it could not read.
	unread() error
}

// NewMeter makes a meter that calls emit with every flow that ends. The flow is valid until emit returns.
func NewMeter(o Options, emit func(*Flow)) (*Meter, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Meter{settings: newSettings(o), options: o, emit: emit, decoder: newDecoder(o), expiry: newExpiry(o)}, nil
}

// settings are options in ticks, and what follows from them.
type settings struct {
	mode                                        Mode
	second, flowTimeout, activity, idle, linger int64
	doubleFirst                                 bool // the first packet counts twice in the statistics of both directions
}

func newSettings(o Options) settings {
	second := o.Mode.ticks()
	ns := 1e9 / second
	return settings{
		mode:        o.Mode,
		second:      second,
		flowTimeout: int64(o.FlowTimeout) / ns,
		activity:    int64(o.ActivityTimeout) / ns,
		idle:        int64(o.IdleTimeout) / ns,
		linger:      int64(o.LingerTimeout) / ns,
		doubleFirst: o.Mode == CIC2017 || o.Mode == CIC2021,
	}
}

func newDecoder(o Options) decoder {
	if o.Mode == Default {
		return &headersDecoder{decoder: packet.Decoder{Tunnels: o.Tunnels}, ignoreVLAN: o.IgnoreVLAN}
	}
	return newCICDecoder(o)
}

// Add takes in the next frame of the capture. It gives the number of the first frame of the flow that the frame
// belongs to (Flow.FirstFrame), or 0 when it belongs to none.
func (m *Meter) Add(f *packet.Frame) (flow uint64) {
	if m.decoder.decode(f, &m.item) {
		flow = m.add(&m.item)
	}
	if m.expiry.due(f.Number, f.Time) {
		m.expire(f.Time)
	}
	return flow
}

// add takes in a packet.
func (m *Meter) add(it *item) (flow uint64) {
	switch m.mode {
	case CIC2017:
		return m.add2017(&it.packet, it.hash)
	case CIC2021:
		return m.add2021(&it.packet, it.hash)
	case CICFixed, CNS2022:
		return m.addFixed(&it.packet, it.hash)
	}
	return m.addDefault(it)
}

// Flush ends the flows that are still open, in the order of their first packets. The meter is empty
// afterwards.
func (m *Meter) Flush() {
	for _, s := range m.table.all() { // but those that are dormant
		m.finish(m.table.at(s.flow-1), EndOfCapture)
	}
	m.table = flowTable{}
	m.seen, m.conversations = slab[*segments]{}, slab[packet.Conversation]{}
	m.streams = packet.Streams{}
	m.asleep, m.oldest = 0, nil
	m.expiry = newExpiry(m.options)
}

// Open is the number of flows that have not ended.
func (m *Meter) Open() int { return m.table.used - m.asleep }

// finish gives a flow that ends.
func (m *Meter) finish(f *Flow, reason End) {
	f.reason = reason
	switch m.mode {
	case CIC2017, CIC2021, CNS2022:
		if f.dir[Forward].packets+f.dir[Backward].packets < 2 {
			return
		}
		if m.mode == CNS2022 && f.key.protocol == packet.ProtocolTCP {
			f.cumulative += f.end - f.start
		}
	case CICFixed:
		if reason != EndICMP && (f.key.protocol == packet.ProtocolTCP || f.key.protocol == packet.ProtocolUDP) {
			f.cumulative += f.end - f.start
		}
	case Default:
		f.cumulative += f.end - f.start
	}
	m.emit(f)
}

// open makes a new flow for the packet, whose key has none.
func (m *Meter) open(p *Packet, hash uint64) (*Flow, uint32) {
	index := m.table.insert(&p.key, hash)
	switch m.mode {
	case CICFixed, CNS2022:
		m.seen.reach(index)
		*m.seen.at(index) = nil
	case Default:
		m.conversations.reach(index)
	}
	f := m.table.at(index)
	f.mode = m.mode
	f.sourceIsB = p.reversed
	return f, index
}

// again empties a flow for another one of the same key, with the same source and ID.
func (f *Flow) again() {
	*f = Flow{key: f.key, mode: f.mode, entered: f.entered, sourceIsB: f.sourceIsB, idIsDst: f.idIsDst}
}

// turn makes an endpoint the source of the flow; the ID stays as it is.
func (f *Flow) turn(sourceIsB bool) {
	if f.sourceIsB != sourceIsB {
		f.sourceIsB = sourceIsB
		f.idIsDst = !f.idIsDst
	}
}
