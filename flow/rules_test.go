package flow

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"detgen/packet"
)

// featureOf gives a feature of every flow of a capture.
func featureOf(t *testing.T, c *capture, o Options, at feature) []float64 {
	t.Helper()
	var got []float64
	err := Extract(t.Context(), c.again(), o, 1, func(f *Flow) error {
		var v values
		f.measure(&v)
		got = append(got, v[at].n)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// talking makes a talk from port 1000 and lets a function fill it.
func talking(fill func(*talk)) *capture {
	t := talk{port: 1000}
	fill(&t)
	return &t.capture
}

// datagram adds a UDP datagram from or to hostA.
func (t *talk) datagram(at time.Duration, fromA bool, payload int) {
	if fromA {
		t.add(at, ethernet(0x0800, ip(hostA, hostB, 17, udp(t.port, 80, payload))))
	} else {
		t.add(at, ethernet(0x0800, ip(hostB, hostA, 17, udp(80, t.port, payload))))
	}
}

// message adds an ICMP message from or to hostA.
func (t *talk) message(at time.Duration, fromA bool, kind, code uint8) {
	if fromA {
		t.add(at, ethernet(0x0800, ip(hostA, hostB, 1, icmp(kind, code, make([]byte, 4)))))
	} else {
		t.add(at, ethernet(0x0800, ip(hostB, hostA, 1, icmp(kind, code, make([]byte, 4)))))
	}
}

// orderly is a connection with three packets to open it, one of data each way and an orderly end, from hostA, 10 packets, 0.9 s.
func (t *talk) orderly(at time.Duration, isn uint32) {
	t.a(at, syn, isn, 0, 500, 0)
	t.b(at+1*tenth, syn|ack, 7000, isn+1, 500, 0)
	t.a(at+2*tenth, ack, isn+1, 7001, 500, 0)
	t.a(at+3*tenth, psh|ack, isn+1, 7001, 500, 10)
	t.b(at+4*tenth, psh|ack, 7001, isn+11, 500, 20)
	t.a(at+5*tenth, ack, isn+11, 7021, 500, 0)
	t.a(at+6*tenth, fin|ack, isn+11, 7021, 500, 0)
	t.b(at+7*tenth, ack, 7021, isn+12, 500, 0)
	t.b(at+8*tenth, fin|ack, 7021, isn+12, 500, 0)
	t.a(at+9*tenth, ack, isn+12, 7022, 500, 0)
}

// TestSplitting shows where each mode begins and ends flows. The lines are ID, packets forward/backward, payload
// bytes forward/backward, and why it ended.
func TestSplitting(t *testing.T) {
	const (
		ab, ba         = "10.0.0.1-10.0.0.2-1000-80-6", "10.0.0.2-10.0.0.1-80-1000-6"
		abUDP, baUDP   = "10.0.0.1-10.0.0.2-1000-80-17", "10.0.0.2-10.0.0.1-80-1000-17"
		abICMP, baICMP = "10.0.0.1-10.0.0.2-0-0-1", "10.0.0.2-10.0.0.1-0-0-1"
		s              = time.Second
	)
	cases := []struct {
		name string
		mode Mode
		fill func(*talk)
		want []string
	}{
		{"2017: the first FIN ends a flow; what follows is another, whose ID is in the order of addresses all the same", CIC2017,
			func(t *talk) { t.orderly(s, 1) },
			[]string{ab + " 5/2 10/20 fin", ab + " 2/0 0/0 fin"}},
		{"2017: a RST ends nothing", CIC2017,
			func(t *talk) {
				t.a(s, ack, 1, 1, 9, 5)
				t.b(2*s, rst|ack, 1, 6, 9, 0)
				t.a(3*s, ack, 6, 1, 9, 5)
			},
			[]string{ab + " 2/1 10/0 open"}},
		{"2017: a packet at the timeout joins, one after it starts a flow and counts as forward", CIC2017,
			func(t *talk) {
				t.datagram(s, true, 1)
				t.datagram(121*s, false, 2)
				t.datagram(121*s+time.Microsecond, false, 4)
				t.datagram(122*s, true, 8)
			},
			[]string{abUDP + " 1/1 1/2 timeout", abUDP + " 2/0 12/0 open"}},
		{"2017: times are those of whole microseconds", CIC2017,
			func(t *talk) {
				t.datagram(s, true, 1)
				t.datagram(121*s+999, false, 2)
			},
			[]string{abUDP + " 1/1 1/2 open"}},
		{"2017: one packet is no flow", CIC2017,
			func(t *talk) { t.datagram(s, true, 1) },
			nil},

		{"2021: the backward FIN ends a flow that the forward one did not", CIC2021,
			func(t *talk) { t.orderly(s, 1) },
			[]string{ab + " 5/4 10/20 fin"}},
		{"2021: a backward FIN alone ends a flow", CIC2021,
			func(t *talk) {
				t.a(s, ack, 1, 1, 9, 5)
				t.b(2*s, fin|ack, 1, 6, 9, 0)
				t.a(3*s, ack, 6, 2, 9, 0)
				t.a(4*s, fin|ack, 6, 2, 9, 0)
				t.b(5*s, ack, 2, 7, 9, 0)
			},
			[]string{ab + " 1/1 5/0 fin", ab + " 2/1 0/0 open"}},
		{"2021: a second forward FIN is passed over", CIC2021,
			func(t *talk) {
				t.a(s, ack, 1, 1, 9, 5)
				t.a(2*s, fin|ack, 6, 1, 9, 5)
				t.a(3*s, fin|ack, 6, 1, 9, 5)
				t.b(4*s, ack, 1, 12, 9, 0)
			},
			[]string{ab + " 2/1 10/0 open"}},
		{"2021: of which that of a flow's first packet does not count", CIC2021,
			func(t *talk) {
				t.a(s, fin|ack, 1, 1, 9, 5)
				t.a(2*s, fin|ack, 1, 1, 9, 5)
				t.a(3*s, fin|ack, 1, 1, 9, 5)
				t.b(4*s, ack, 1, 7, 9, 0)
			},
			[]string{ab + " 2/1 10/0 open"}},
		{"2021: a RST ends a flow", CIC2021,
			func(t *talk) {
				t.a(s, ack, 1, 1, 9, 5)
				t.b(2*s, rst|ack, 1, 6, 9, 0)
				t.a(3*s, ack, 6, 1, 9, 5)
			},
			[]string{ab + " 1/1 5/0 rst"}},

		{"fixed: a closed flow takes in late packets, until a SYN", CICFixed,
			func(t *talk) {
				t.orderly(s, 1)
				t.b(3*s, rst, 7022, 0, 0, 0)
				t.a(4*s, ack, 12, 7022, 500, 0)
				t.orderly(5*s, 900)
			},
			[]string{ab + " 7/5 10/20 reused", ab + " 6/4 10/20 open"}},
		{"fixed: a SYN joins a flow that is not closed", CICFixed,
			func(t *talk) {
				t.a(s, syn, 1, 0, 500, 0)
				t.a(2*s, syn, 999, 0, 500, 0)
			},
			[]string{ab + " 2/0 0/0 open"}},
		{"fixed: FINs of one side do not close", CICFixed,
			func(t *talk) {
				t.a(s, fin|ack, 1, 1, 9, 5)
				t.a(2*s, fin|ack, 1, 1, 9, 5)
				t.b(3*s, ack, 1, 7, 9, 0)
				t.a(4*s, syn, 55, 0, 9, 0)
			},
			[]string{ab + " 3/1 10/0 open"}},
		{"fixed: a SYN-ACK goes to the source", CICFixed,
			func(t *talk) {
				t.b(s, syn|ack, 1, 1, 9, 0)
				t.a(2*s, ack, 1, 2, 9, 5)
			},
			[]string{ab + " 1/1 5/0 open"}},
		{"fixed: after a timeout, the source stays", CICFixed,
			func(t *talk) {
				t.a(s, ack, 1, 1, 9, 5)
				t.b(122*s, ack, 1, 6, 9, 7)
			},
			[]string{ab + " 1/0 5/0 timeout", ab + " 0/1 0/7 open"}},
		{"fixed: of UDP too", CICFixed,
			func(t *talk) {
				t.datagram(s, true, 1)
				t.datagram(60*s, true, 1)
				t.datagram(122*s, false, 2)
			},
			[]string{abUDP + " 2/0 2/0 timeout", abUDP + " 0/1 0/2 open"}},
		{"fixed: unless it was silent for that long; the ID stays even so", CICFixed,
			func(t *talk) {
				t.datagram(s, true, 1)
				t.datagram(122*s, false, 2)
			},
			[]string{abUDP + " 1/0 1/0 timeout", abUDP + " 1/0 2/0 open"}},
		{"fixed: an ICMP flow ends when type and code change, not when one does; the ID stays", CICFixed,
			func(t *talk) {
				t.message(s, true, 8, 0)
				t.message(2*s, false, 0, 0)
				t.message(3*s, false, 3, 1)
				t.message(4*s, false, 3, 3)
				t.message(5*s, false, 11, 1)
			},
			[]string{abICMP + " 1/1 0/0 icmp", abICMP + " 3/0 0/0 open"}},

		{"default: a connection is one flow", Default,
			func(t *talk) { t.orderly(s, 1) },
			[]string{ab + " 6/4 10/20 open"}},
		{"default: a SYN after the end starts another", Default,
			func(t *talk) {
				t.orderly(s, 1)
				t.orderly(5*s, 900)
			},
			[]string{ab + " 6/4 10/20 reused", ab + " 6/4 10/20 open"}},
		{"default: so does a SYN with another sequence number, in the other direction", Default,
			func(t *talk) {
				t.a(s, syn, 1, 0, 9, 0)
				t.b(2*s, syn|ack, 5, 2, 9, 0)
				t.b(3*s, syn, 77, 0, 9, 0)
			},
			[]string{ab + " 1/1 0/0 reused", ba + " 1/0 0/0 open"}},
		{"default: a SYN that is sent again does not", Default,
			func(t *talk) {
				t.a(s, syn, 1, 0, 9, 0)
				t.a(2*s, syn, 1, 0, 9, 0)
			},
			[]string{ab + " 2/0 0/0 open"}},
		{"default: late packets join a closed flow", Default,
			func(t *talk) {
				t.orderly(s, 1)
				t.b(30*s, rst, 7022, 0, 0, 0)
			},
			[]string{ab + " 6/5 10/20 open"}},
		{"default: later than the linger timeout they do not", Default,
			func(t *talk) {
				t.orderly(s, 1)
				t.b(s+9*tenth+60*s, rst, 7022, 0, 0, 0)
				t.b(s+9*tenth+60*s+60*s+1, rst, 7022, 0, 0, 0)
			},
			[]string{ab + " 6/5 10/20 idle", ba + " 1/0 0/0 open"}},
		{"default: silence ends a flow, and the next packet chooses the source anew", Default,
			func(t *talk) {
				t.datagram(s, true, 1)
				t.datagram(121*s, true, 2)
				t.datagram(241*s+1, false, 4)
			},
			[]string{abUDP + " 2/0 3/0 idle", baUDP + " 1/0 4/0 open"}},
		{"default: after the flow timeout, the source stays", Default,
			func(t *talk) {
				t.datagram(s, true, 1)
				t.datagram(60*s, true, 2)
				t.datagram(121*s+1, false, 4)
			},
			[]string{abUDP + " 2/0 3/0 timeout", abUDP + " 0/1 0/4 open"}},
		{"default: a connection that is closed in a later flow is closed", Default,
			func(t *talk) {
				t.a(s, fin|ack, 1, 1, 9, 0)
				t.a(100*s, ack, 2, 1, 9, 0)
				t.b(122*s, fin|ack, 1, 2, 9, 0)
				t.a(123*s, ack, 2, 2, 9, 0)
				t.a(184*s, ack, 2, 2, 9, 0)
			},
			[]string{ab + " 2/0 0/0 timeout", ab + " 1/1 0/0 idle", ab + " 1/0 0/0 open"}},
		{"default: a SYN-ACK goes to the source", Default,
			func(t *talk) {
				t.b(s, syn|ack, 1, 1, 9, 0)
				t.a(2*s, ack, 1, 2, 9, 5)
			},
			[]string{ab + " 1/1 5/0 open"}},
		{"default: requests and answers of ICMP are one flow, other types another each", Default,
			func(t *talk) {
				t.message(s, true, 8, 0)
				t.message(2*s, false, 0, 0)
				t.message(3*s, true, 13, 0)
				t.message(4*s, false, 14, 0)
				t.message(5*s, false, 3, 1)
				t.message(6*s, false, 3, 3)
			},
			[]string{abICMP + " 1/1 4/4 open", abICMP + " 1/1 4/4 open", baICMP + " 2/0 8/0 open"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wantFlows(t, talking(c.fill), NewOptions(c.mode), c.want...)
		})
	}
}

// TestConnectionTime adds up the flows of a connection, and the silence between them.
func TestConnectionTime(t *testing.T) {
	c := talking(func(t *talk) {
		t.a(1*time.Second, ack, 1, 1, 9, 1)
		t.a(100*time.Second, ack, 2, 1, 9, 1)
		t.a(130*time.Second, ack, 3, 1, 9, 1)
		t.a(140*time.Second, rst, 4, 1, 9, 0)
		t.a(145*time.Second, syn, 1000, 0, 9, 0)
		t.a(147*time.Second, syn, 1000, 0, 9, 0)
	})
	for _, mode := range []Mode{CICFixed, Default} {
		want := []float64{99e6, 139e6, 2e6}
		if got := featureOf(t, c, NewOptions(mode), connectionTime); !slices.Equal(got, want) {
			t.Errorf("%v: %v µs, want %v", mode, got, want)
		}
	}
}

// TestRepeatedSegments counts equal segments of a connection, also over a timeout, and starts again with the next
// connection.
func TestRepeatedSegments(t *testing.T) {
	c := talking(func(t *talk) {
		t.a(1*time.Second, ack, 5, 1, 9, 10)
		t.a(2*time.Second, ack, 5, 1, 9, 10) // again
		t.a(3*time.Second, ack, 5, 1, 8, 10) // another window
		t.a(4*time.Second, ack, 5, 1, 9, 11) // another length
		t.b(5*time.Second, ack, 5, 1, 9, 10) // of the other side
		t.a(6*time.Second, psh|ack, 5, 1, 9, 10)
		t.a(122*time.Second, ack, 5, 1, 9, 10) // in the next flow
		t.a(123*time.Second, rst, 5, 1, 9, 0)
		t.a(124*time.Second, syn, 90, 0, 9, 0)
		t.a(125*time.Second, ack, 5, 1, 9, 10) // of the next connection
	})
	want := []float64{2, 1, 0}
	if got := featureOf(t, c, NewOptions(CICFixed), fwdRepeated); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestSeenBytes counts what package packet says of a segment in mode Default: bytes seen before, and not mere
// acknowledgements.
func TestSeenBytes(t *testing.T) {
	c := talking(func(t *talk) {
		t.a(1*time.Second, syn, 1, 0, 9, 0)
		t.b(1*time.Second, syn|ack, 1, 2, 9, 0)
		t.a(1*time.Second, ack, 2, 2, 9, 0)
		t.a(1*time.Second, ack, 2, 2, 9, 0)
		t.a(2*time.Second, psh|ack, 2, 2, 9, 10)
		t.a(3*time.Second, psh|ack, 2, 2, 9, 10)
	})
	for at, want := range map[feature]float64{fwdSeen: 1, fwdClasses + classNumber(t, "retransmission"): 1, bwdSeen: 0} {
		if got := featureOf(t, c, NewOptions(Default), at); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, want one flow with %v", featureInfos[at].name, got, want)
		}
	}
}

// classNumber gives the place of a class of the TCP analysis.
func classNumber(t *testing.T, name string) feature {
	t.Helper()
	if n := len(packet.Classes()); n != analysisClasses {
		t.Fatalf("there are %d classes and columns for %d", n, analysisClasses)
	}
	for i, c := range packet.Classes() {
		if c.Name() == name {
			return feature(i)
		}
	}
	t.Fatalf("there is no class %q", name)
	return 0
}

// TestSweep ends silent flows by the clock of the capture, though no packet of theirs comes.
func TestSweep(t *testing.T) {
	var c capture
	send := func(at time.Duration, port uint16) {
		c.add(at, ethernet(0x0800, ip(hostA, hostB, 17, udp(port, 53, 10))))
	}
	send(0, 1)
	send(10*time.Second, 2)
	for i := range 5000 {
		send(10*time.Second+time.Duration(i)*40*time.Millisecond, 3) // 200 s
	}
	o := NewOptions(Default)
	o.FlowTimeout = 0
	wantFlows(t, &c, o,
		"10.0.0.1-10.0.0.2-1-53-17 1/0 10/0 idle",
		"10.0.0.1-10.0.0.2-2-53-17 1/0 10/0 idle",
		"10.0.0.1-10.0.0.2-3-53-17 5000/0 50000/0 open")
	o.IdleTimeout = 0
	wantFlows(t, &c, o,
		"10.0.0.1-10.0.0.2-1-53-17 1/0 10/0 open",
		"10.0.0.1-10.0.0.2-2-53-17 1/0 10/0 open",
		"10.0.0.1-10.0.0.2-3-53-17 5000/0 50000/0 open")
}

// TestBoundedMemory gives a long stream of connections that end, or fall silent, to a meter, which forgets them.
func TestBoundedMemory(t *testing.T) {
	flows := 0
	m, err := NewMeter(NewOptions(Default), func(*Flow) { flows++ })
	if err != nil {
		t.Fatal(err)
	}
	const frames, interval = 60_000, 10 * time.Millisecond // 600 s, of which 120 s stay open
	most := 0
	var f packet.Frame
	for i := range frames {
		data := ethernet(0x0800, ip(fmt.Sprintf("10.1.%d.%d", i>>16, i>>8&255), hostB, 17, udp(uint16(i&255), 53, 10)))
		f = packet.Frame{Number: uint64(i + 1), Time: int64(i) * int64(interval), Data: data, WireLen: len(data), LinkType: packet.LinkEthernet}
		m.Add(&f)
		most = max(most, m.Open())
	}
	if limit := int((120*time.Second+15*time.Second)/interval) + 2*expiryFrames; most > limit {
		t.Errorf("%d flows were open at once, of which no more than %d were younger than the idle timeout and the time until the next sweep", most, limit)
	}
	m.Flush()
	if flows != frames || m.Open() != 0 {
		t.Errorf("%d flows of %d, %d still open", flows, frames, m.Open())
	}
}
