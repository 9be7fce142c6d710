package flow

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"detgen/packet"
	"detgen/table"
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

// keepAlive is a handshake, a keep-alive after a silence, and its answer; with a number of other flows in between.
func keepAlive(silence time.Duration, others int) *capture {
	return talking(func(t *talk) {
		s := time.Second
		t.a(s, syn, 1, 0, 500, 0)
		t.b(s+1, syn|ack, 7000, 2, 500, 0)
		t.a(s+2, ack, 2, 7001, 500, 0)
		for i := range others {
			at := s + silence/2 + silence/2*time.Duration(i)/time.Duration(others)
			t.add(at, ethernet(0x0800, ip(hostA, hostB, 17, udp(5, 6, 0))))
		}
		t.b(s+silence, ack, 7000, 2, 500, 0)
		t.a(s+silence+1, ack, 2, 7001, 500, 0)
	})
}

// TestKeepAlive has a connection go on after the idle timeout with its source and its analysis, whether or not the
// timeout was noticed between, and with any number of jobs.
func TestKeepAlive(t *testing.T) {
	const id = "10.0.0.1-10.0.0.2-1000-80-6"
	for _, others := range []int{0, 5000} {
		for _, jobs := range []int{1, 3} {
			var source []string
			err := Extract(t.Context(), keepAlive(180*time.Second, others), NewOptions(Default), jobs, func(f *Flow) error {
				if f.Protocol() == packet.ProtocolTCP {
					var v values
					f.measure(&v)
					source = append(source, f.ID()+" "+f.handshake.String())
					if keep := v[bwdClasses+7].n; keep != float64(len(source)-1) {
						t.Errorf("flow %d: %v keep-alives", len(source), keep)
					}
				}
				return nil
			})
			if err != nil || len(source) != 2 || source[0] != id+" complete" || source[1] != id+" complete" {
				t.Errorf("%d others, %d jobs: %v, %v", others, jobs, source, err)
			}
		}
	}
	wantFlows(t, keepAlive(3*time.Hour, 0), NewOptions(Default), id+" 2/1 0/0 idle", "10.0.0.2-10.0.0.1-80-1000-6 1/1 0/0 open")
}

// TestVLANKey divides flows by VLAN, unless it is ignored.
func TestVLANKey(t *testing.T) {
	c := times2(vlan(10, 0x0800, tcpAB(1)), vlan(20, 0x0800, tcpAB(2)))
	const id = "10.0.0.1-10.0.0.2-1000-80-6"
	o := NewOptions(Default)
	wantFlows(t, c, o, id+" 2/0 2/0 open", id+" 2/0 4/0 open")
	if got := featureOf(t, c, o, vlanID); got[0] != 10 || got[1] != 20 {
		t.Errorf("VLANs %v", got)
	}
	o.IgnoreVLAN = true
	wantFlows(t, c, o, id+" 4/0 6/0 open")
}

// TestMaxFlows ends the oldest flow when there are too many, and counts on after flows have left by themselves.
func TestMaxFlows(t *testing.T) {
	var c capture
	for i := range 50 {
		at := time.Duration(i) * time.Second
		c.add(at, ethernet(0x0800, ip(hostA, hostB, 17, udp(uint16(1000+i), 80, 1))))
		c.add(at, ethernet(0x0800, ip(hostA, hostB, 17, udp(1000, 80, 1))))
	}
	o := NewOptions(Default)
	o.MaxFlows = 3
	m, err := NewMeter(o, func(f *Flow) {
		if f.Reason() != EndFull {
			t.Errorf("%s ended: %v", f.ID(), f.Reason())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.frames {
		if m.Add(&c.frames[i]); m.Open() > 3 {
			t.Fatalf("%d flows are open", m.Open())
		}
	}
	var one []string
	for _, jobs := range []int{1, 3} {
		var got []string
		if err := Extract(t.Context(), c.again(), o, jobs, func(f *Flow) error {
			got = append(got, f.ID()+f.Reason().String())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if jobs == 1 {
			one = got
		}
		if len(got) < 50 || !slices.Equal(got, one) || got[0] != "10.0.0.1-10.0.0.2-1000-80-17full" {
			t.Errorf("%d jobs: %v", jobs, got)
		}
	}
}

// TestRotated makes one flow of a connection in two files of a rotated capture, named in either order.
func TestRotated(t *testing.T) {
	whole := talking(func(t *talk) {
		const s = time.Second
		t.a(s, syn, 1, 0, 500, 0)
		t.b(s+1, syn|ack, 7000, 2, 500, 0)
		t.a(s+2, ack, 2, 7001, 500, 0)
		t.a(s+3, psh|ack, 2, 7001, 500, 18)
		t.b(s+4, psh|ack, 7001, 20, 500, 500)
		t.a(s+5, fin|ack, 20, 7501, 500, 0)
		t.b(s+6, fin|ack, 7501, 21, 500, 0)
		t.a(s+7, ack, 21, 7502, 500, 0)
	})
	dir := t.TempDir()
	var paths []string
	for i, frames := range [][]packet.Frame{whole.frames[:4], whole.frames[4:]} {
		var text bytes.Buffer
		w, err := packet.NewPcapWriter(&text, packet.LinkEthernet)
		if err != nil {
			t.Fatal(err)
		}
		for j := range frames {
			if err := w.Write(&frames[j]); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, []string{"a.pcap0", "a.pcap1"}[i])
		if err := errors.Join(w.Flush(), os.WriteFile(path, text.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for _, order := range [][]string{paths, {paths[1], paths[0]}} {
		for _, jobs := range []int{1, 2} {
			s, err := packet.OpenSeries(order)
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			layout := NewLayout(Default, ToolColumns)
			out, err := table.New(&text, table.CSV, layout.Columns())
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(Write(t.Context(), s, NewOptions(Default), jobs, layout, out, s.Paths()), out.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&text).ReadAll()
			if err != nil || len(rows) != 2 || rows[1][0] != paths[0] || rows[1][1] != "10.0.0.1-10.0.0.2-1000-80-6" || rows[1][9] != "5" || rows[1][10] != "3" {
				t.Errorf("%v, %d jobs: %v, %q", order, jobs, err, rows[1:])
			}
		}
	}
}
