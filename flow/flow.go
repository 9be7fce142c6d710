package flow

import (
	"net/netip"
	"time"

	"detgen/packet"
)

// Direction is a direction within a flow.
type Direction uint8

// The directions. Forward is that of the flow's source, the side that sent the first packet; CICFixed and
// Default take the receiver of a SYN-ACK for it.
const (
	Forward Direction = iota
	Backward
)

// End says why a flow ended.
type End uint8

// The reasons.
const (
	EndOfCapture End = iota // it was still open
	EndTimeout              // it was too old (Options.FlowTimeout); the next packet starts another flow of the same connection
	EndIdle                 // it was silent for too long (Options.IdleTimeout, Options.LingerTimeout)
	EndReused               // a SYN started a new connection between the same ports
	EndFIN                  // a FIN ended it (CIC2017, CIC2021)
	EndRST                  // a RST ended it (CIC2021)
	EndFull                 // there were too many open flows (Options.MaxFlows)
	EndICMP                 // an ICMP packet of another type and code came (CICFixed)
)

// String gives the reason as the columns show it.
func (e End) String() string {
	return [...]string{"open", "timeout", "idle", "reused", "fin", "rst", "full", "icmp"}[e]
}

// closing is how far a TCP connection is closed, by the rules of CICFixed and Default.
type closing uint8

const (
	closingNone   closing = iota
	closingFirst          // a FIN was seen
	closingSecond         // and one of each side
	closingReady          // and an acknowledgement after those; or a RST
)

// Flow is what was measured of a flow: sums and running statistics from which every column of
// every mode is made. It holds no pointers. Numbers of bytes and packets are of what the mode counts. Fields that
// every packet needs are next to each other, as most of a packet's time is spent on fetching them.
type Flow struct {
	key     key
	number  uint64 // frame number of the first packet
	capture uint32 // packet.Frame.Capture of it
	start   int64  // time of the first packet (Default: the earliest time), ticks
	end     int64  // time of the last packet (Default: the latest time), ticks

	activeStart, activeEnd int64
	gap                    times  // between successive packets
	last                   uint64 // frame number of the last packet
	mode                   Mode
	closing                closing
	sourceIsB              bool // the source is the key's second endpoint
	analysed               bool // the TCP analysis has taken it in (Default)
	handshake              packet.Handshake
	shut                   packet.Closing
	firstDir               Direction
	reason                 End

	dir [2]direction

	payload            sizes // both directions (not in Default); CIC2017 and CIC2021 take in the first packet twice
	active, idle       times
	cumulative         int64  // ticks of the connection's flows before this one, and the gaps between (CICFixed, Default)
	rtt                int64  // ns, of the handshake (Default)
	activeN, idleN     uint32 // numbers of active and idle times
	longGaps           uint32 // of more than a second
	firstPayload       int32  // of the first packet
	icmpType, icmpCode int16
	firstFlags         uint8
	idIsDst            bool    // the flow ID names the destination first
	heard              [2]bool // each side sent something in a flow of the connection before this one (Default)
	row                uint64  // its number in the table that it is written to, from 1 (CNS2022)
	entered            uint64  // frame number with which its key came into the table, when flows are bounded
	dormant            bool    // it ended, but its TCP connection may go on (Default)
	fins               [2]bool // FINs of each side were seen in the connection (CIC2021, Default)
}

// direction is what was measured of one direction of a flow.
type direction struct {
	packets     uint64
	bytes       uint64 // of payload
	headers     uint64 // bytes of transport headers
	ip          uint64 // bytes of IP datagrams
	ipSquares   uint64 // sum of the squares of those
	dataPackets uint64 // with payload
	first, last int64  // times of packets, ticks

	gap        times // between successive packets of this direction
	payload    sizes
	minHeader  int32 // bytes of the shortest transport header
	windowLast int32 // of its last packet, -1 when that has none

	ipMin, ipMax int32
	acks, pushes uint64 // packets with ACK, with PSH
	bulk         bulk

	window     int32                   // of its first packet, -1 when that has none
	windowSeen int32                   // the first window above 0
	rare       [6]uint32               // packets with FIN, SYN, RST, URG, ECE, CWR
	repeated   uint64                  // segments that are the same as an earlier one (CICFixed)
	again      uint32                  // packets of which the analysis has seen bytes before (Default)
	classes    [analysisClasses]uint32 // packets of each class of the TCP analysis (Default)
}

// count gives the number of packets with a flag.
func (d *direction) count(flag packet.TCPFlags) uint64 {
	switch flag {
	case packet.ACK:
		return d.acks
	case packet.PSH:
		return d.pushes
	}
	for i, f := range rareFlags {
		if f == flag {
			return uint64(d.rare[i])
		}
	}
	return 0
}

// rareFlags are those that few packets have.
var rareFlags = [...]packet.TCPFlags{packet.FIN, packet.SYN, packet.RST, packet.URG, packet.ECE, packet.CWR}

// flag counts the flags of a packet.
func (d *direction) flag(flags packet.TCPFlags) {
	d.acks += uint64(flags & packet.ACK / packet.ACK)
	d.pushes += uint64(flags & packet.PSH / packet.PSH)
	if flags&^(packet.ACK|packet.PSH) == 0 {
		return
	}
	for i, f := range rareFlags {
		if flags&f != 0 {
			d.rare[i]++
		}
	}
}

// FirstFrame is the number in the capture of the flow's first packet, from 1. It identifies the flow
// within its capture.
func (f *Flow) FirstFrame() uint64 { return f.number }

// LastFrame is the number of its last packet.
func (f *Flow) LastFrame() uint64 { return f.last }

// Source is the endpoint from which the forward packets come.
func (f *Flow) Source() netip.AddrPort { return f.key.endpoint(f.sourceIsB) }

// Destination is the other endpoint.
func (f *Flow) Destination() netip.AddrPort { return f.key.endpoint(!f.sourceIsB) }

// Protocol is the number of the transport protocol; the CIC modes have 0 for those they do not
// know.
func (f *Flow) Protocol() uint8 { return f.key.protocol }

// Start is the time of the first packet, ns since the Unix epoch (whole microseconds in the CIC modes).
func (f *Flow) Start() int64 { return f.start * (1e9 / f.mode.ticks()) }

// Duration is the time from the first to the last packet; negative in the CIC modes when the capture's clock went back.
func (f *Flow) Duration() time.Duration {
	return time.Duration((f.end - f.start) * (1e9 / f.mode.ticks()))
}

// Packets is the number of packets in a direction.
func (f *Flow) Packets(d Direction) uint64 { return f.dir[d].packets }

// Bytes is the number of payload bytes in a direction.
func (f *Flow) Bytes(d Direction) uint64 { return f.dir[d].bytes }

// IPBytes is the number of bytes in a direction with IP and transport headers.
func (f *Flow) IPBytes(d Direction) uint64 { return f.dir[d].ip }

// Reason says why the flow ended.
func (f *Flow) Reason() End { return f.reason }

// endpoint gives the first endpoint, or the second one.
func (k *key) endpoint(second bool) netip.AddrPort {
	if second {
		return netip.AddrPortFrom(k.b.addr(k.version), k.bPort)
	}
	return netip.AddrPortFrom(k.a.addr(k.version), k.aPort)
}

// direction of a packet of this flow. The CIC modes compare addresses only, so that a flow between two
// ports of one address has nothing but forward packets.
func (f *Flow) direction(p *Packet) Direction {
	if p.same || f.mode != Default && p.key.a == p.key.b {
		return Forward
	}
	if p.reversed != f.sourceIsB {
		return Backward
	}
	return Forward
}
