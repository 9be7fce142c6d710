package flow

import (
	"testing"
	"time"

	"detgen/packet"
)

// TestClockBack has no negative time in mode Default when the capture's clock goes back.
func TestClockBack(t *testing.T) {
	const s = time.Second
	c := talking(func(t *talk) {
		t.datagram(10*s, true, 100)
		t.datagram(9*s, false, 100)
		t.datagram(9*s+s/2, true, 100)
		t.datagram(11*s, false, 100)
	})
	o := NewOptions(Default)
	for at, want := range map[feature]float64{
		flowDuration: 2e6, packetRate: 2, gapMin: 0, gapMax: 1e6, fwdGapTotal: .5e6, bwdGapTotal: 2e6, fwdGapMin: 0, activeMean: 0, connectionTime: 2e6,
	} {
		if got := featureOf(t, c, o, at); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, want %v", featureInfos[at].cicids, got, want)
		}
	}
}

// TestBulkTies divides bulks by the order of packets, not by their times, and has bulks that start at time 0.
func TestBulkTies(t *testing.T) {
	const s = time.Second
	broken := talking(func(t *talk) {
		for range 2 {
			t.datagram(s, true, 100)
		}
		t.datagram(s, false, 10)
		for range 3 {
			t.datagram(s, true, 100)
		}
	})
	epoch := talking(func(t *talk) {
		for i := range time.Duration(5) {
			t.datagram(i*s/10, true, 100)
		}
	})
	o := NewOptions(Default)
	for _, c := range []struct {
		name           string
		capture        *capture
		packets, bytes float64
	}{{"a tie", broken, 0, 0}, {"the epoch", epoch, 5, 500}} {
		packets, bytes := featureOf(t, c.capture, o, fwdBulkPackets), featureOf(t, c.capture, o, fwdBulkBytes)
		if packets[0] != c.packets || bytes[0] != c.bytes {
			t.Errorf("%s: %v packets, %v bytes, want %v, %v", c.name, packets, bytes, c.packets, c.bytes)
		}
	}
}

// TestSYNLast keeps a connection whose own SYN was captured after its FINs one flow.
func TestSYNLast(t *testing.T) {
	c := talking(func(t *talk) {
		s := time.Second
		t.b(s, syn|ack, 7000, 2, 500, 0)
		t.a(s+1, ack, 2, 7001, 500, 0)
		t.a(s+2, psh|ack, 2, 7001, 500, 18)
		t.a(s+3, fin|ack, 20, 7001, 500, 0)
		t.b(s+4, fin|ack, 7001, 21, 500, 0)
		t.a(s+5, ack, 21, 7002, 500, 0)
		t.a(s+6, syn, 1, 0, 500, 0)
	})
	wantFlows(t, c, NewOptions(Default), "10.0.0.1-10.0.0.2-1000-80-6 5/2 18/0 open")
}

// TestDCCPFlows divides DCCP by its ports.
func TestDCCPFlows(t *testing.T) {
	dccp := func(port byte) []byte {
		return ethernet(0x0800, ip(hostA, hostB, packet.ProtocolDCCP, []byte{0, port, 0, 80, 3, 0, 0, 0, 0, 0, 0, 0}))
	}
	wantFlows(t, times2(dccp(1), dccp(2)), NewOptions(Default), "10.0.0.1-10.0.0.2-1-80-33 2/0 0/0 open", "10.0.0.1-10.0.0.2-2-80-33 2/0 0/0 open")
}
